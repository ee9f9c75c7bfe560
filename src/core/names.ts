// Classes print their names (models as trees, errors); minifiers rename classes. Names of exports survive, so they are given back.

/** Names every class of a module's exports as it is exported. */
export function nameClasses(exports: object): void {
  for (const [name, value] of Object.entries(exports)) if (typeof value === 'function') Object.defineProperty(value, 'name', { value: name, configurable: true })
}
