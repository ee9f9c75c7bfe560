// Layers and optimisers print the names of their classes, which minifiers change: the bundled code says them once more. A static field,
// unlike a call that names the class, lets bundlers drop those that a page does not use.
const header = /^export (?:abstract )?class (\w+).*\{(?=\}?$)/gm

export const classNames = {
  name: 'class-names',
  transform: (code, id) => (/\/src\/(nn|optim)\//.test(id) ? { code: code.replace(header, "$& static name = '$1';"), map: null } : null),
}
