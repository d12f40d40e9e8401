/** The element of this id, which the page has. */
export function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

/** A new element with text or children; text is never read as markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** A round button with one of the page's icons. */
export function iconButton(icon: string, label: string, onClick: () => void): HTMLButtonElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${icon}`);
  svg.append(use);
  const button = make("button", "icon");
  button.append(svg);
  button.type = "button";
  button.title = label;
  button.setAttribute("aria-label", label);
  button.addEventListener("click", onClick);
  return button;
}

/** Fill a select; `chosen` is selected where it is among the values. */
export function fillSelect(select: HTMLSelectElement, options: [value: string, label: string][], chosen: string): void {
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value, false, value === chosen)));
}
