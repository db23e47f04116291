// Keyboard shortcuts, which are off while the focus is in an input.

const INPUTS = "input, textarea, select, [contenteditable]";

/** Listen for `shortcuts` (key -> {label, run}). */
export function listen(shortcuts) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(INPUTS)) return;
    const shortcut = shortcuts[event.key];
    if (!shortcut || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    shortcut.run();
  });
}
