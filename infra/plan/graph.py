"""Picture of a stack: its public models, its services in phase order with their claims, and the routes between.

One SVG document without scripts, fonts or external files; light and dark follow the viewer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from infra.catalog.gateway import GATEWAY_KINDS
from infra.plan.service import ServicePlan
from infra.plan.stack import Plan
from infra.quantities import cores, gib

BOX_WIDTH, BOX_HEIGHT, GAP_Y, MARGIN, HEAD = 300, 64, 20, 24, 64
MODEL_WIDTH, MODEL_HEIGHT, GAP_X = 300, 44, 160
GATEWAY_WIDTH = 36
STYLE = """
  svg { font: 13px sans-serif; fill: #1b1f24; background: #ffffff }
  .box { fill: #f3f5f8; stroke: #57606a } .gpu { stroke: #1a7f37; stroke-width: 2.5 }
  .name { font-weight: 600 } .claim { fill: #57606a } .route { fill: none; stroke: #0969da; stroke-width: 1.5 }
  .then { stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    svg { fill: #e6edf3; background: #0d1117 } .box { fill: #161b22; stroke: #8b949e } .claim { fill: #8b949e }
    .gpu { stroke: #3fb950 } .route { stroke: #58a6ff }
  }
"""


@dataclass(frozen=True, kw_only=True)
class Box:
    """Position of a service; pixels from the upper left corner."""

    service: ServicePlan
    x: int
    y: int

    @property
    def middle(self) -> int:
        return self.y + BOX_HEIGHT // 2


def svg(plan: Plan, stack: str) -> str:
    """Return the SVG document of *stack*; the same plan gives the same text."""
    models = [route.model for route in plan.routes.routes]
    boxes = _boxes(plan.services)
    width = 2 * MARGIN + MODEL_WIDTH + GATEWAY_WIDTH + GAP_X + BOX_WIDTH
    height = HEAD + max(len(models) * MODEL_HEIGHT, len(boxes) * (BOX_HEIGHT + GAP_Y)) + MARGIN
    gateways = _gateways(plan, len(models))
    content = [
        *_head(plan, stack),
        *_models(models),
        *_routes(plan, models, boxes),
        *gateways,  # over the routes, which lead through it
        *(_box(box) for box in boxes),
    ]
    body = "\n".join(content)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<style>{STYLE}</style>\n{body}\n</svg>\n'


def _boxes(services: Sequence[ServicePlan]) -> list[Box]:
    x = MARGIN + MODEL_WIDTH + GATEWAY_WIDTH + GAP_X
    return [Box(service=service, x=x, y=HEAD + row * (BOX_HEIGHT + GAP_Y)) for row, service in enumerate(services)]


def _head(plan: Plan, stack: str) -> Iterator[str]:
    node, ledger = plan.settings.node, plan.ledger
    limits = sum(line.claim.memory_limit * line.replicas for line in ledger.lines)
    title = (
        f"{stack}: {gib(limits)} of {gib(ledger.capacity.memory_budget)} RAM, "
        f"{len(node.gpus)} GPU, phase {plan.settings.phase}"
    )
    yield f"<title>{escape(title)}</title>"
    yield _text(MARGIN, MARGIN + 8, title, "name")


def _models(models: Sequence[str]) -> Iterator[str]:
    for row, model in enumerate(models):
        yield _text(MARGIN, _middle(row), model, "name")


def _routes(plan: Plan, models: Sequence[str], boxes: Sequence[Box]) -> Iterator[str]:
    positions = {box.service.name: box for box in boxes}
    for route in plan.routes.routes:
        for order, target in enumerate(route.targets):
            box, start = positions[target.service.name], _middle(models.index(route.model)) + 6
            edge, kind = MARGIN + MODEL_WIDTH + GATEWAY_WIDTH, "route then" if order else "route"
            bend = edge + GAP_X // 2
            path = f"M {MARGIN} {start} H {edge} C {bend} {start} {bend} {box.middle} {box.x} {box.middle}"
            yield f'<path class="{kind}" d="{path}"><title>{escape(f"{route.model}: {target.model}")}</title></path>'


def _gateways(plan: Plan, models: int) -> Iterator[str]:
    """Yield a bar across all models with the names of the gateways: every request passes through one."""
    names = [service.service_name for service in plan.services if service.backend.kind in GATEWAY_KINDS]
    if not (names and models):
        return
    x, height = MARGIN + MODEL_WIDTH, models * MODEL_HEIGHT
    yield f'<rect class="box" x="{x}" y="{HEAD}" width="{GATEWAY_WIDTH}" height="{height}" rx="8"/>'
    middle = f"{x + GATEWAY_WIDTH // 2 + 4} {HEAD + height // 2}"
    text = escape(", ".join(names))
    yield f'<text class="name" text-anchor="middle" transform="translate({middle}) rotate(-90)">{text}</text>'


def _box(box: Box) -> str:
    service, claim = box.service, box.service.claim
    kind = "box gpu" if claim.gpus else "box"
    claims = f"RAM {gib(claim.memory_limit)}, CPU {cores(claim.cpu_limit)}"
    if claim.gpus:
        claims += f", GPU {claim.gpus} with {gib(claim.vram)}"
    name = service.service_name + (f" x {service.replicas}" if service.replicas > 1 else "")
    lines = [(f"{service.backend.phase}  {name}", "name"), (claims, "claim")]
    texts = "".join(_text(box.x + 12, box.y + 26 + 22 * row, text, style) for row, (text, style) in enumerate(lines))
    return f'<rect class="{kind}" x="{box.x}" y="{box.y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>{texts}'


def _middle(row: int) -> int:
    return HEAD + row * MODEL_HEIGHT + 22


def _text(x: int, y: int, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x}" y="{y}">{escape(text)}</text>'
