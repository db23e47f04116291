// Light or dark theme: the one of the system until the user chooses.

const KEY = "synapse-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export function restore() {
  const chosen = localStorage.getItem(KEY);
  if (chosen) document.documentElement.dataset.theme = chosen;
}

export function toggle() {
  const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem(KEY, next);
}
