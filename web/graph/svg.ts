// Makes elements of pictures.

type Attributes = Readonly<Record<string, string | number | boolean>>

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: readonly (Node | string)[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) if (value !== false) element.setAttribute(name, String(value))
  element.append(...children)
  return element
}
