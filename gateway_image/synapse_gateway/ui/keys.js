// One key, one deed; none while somebody writes.

const WRITING = "input, textarea, select, [contenteditable]";

/** Listen for `deeds` (key -> {what, run}). */
export function listen(deeds) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(WRITING)) return;
    const deed = deeds[event.key];
    if (!deed || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    deed.run();
  });
}
