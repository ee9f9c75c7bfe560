// Console arguments as text, short enough to read: nested objects to a small depth, long lists cut.

const MAX_DEPTH = 3
const MAX_ITEMS = 50

export const formatLine = (args: readonly unknown[]): string => args.map(a => (typeof a === 'string' ? a : format(a))).join(' ')

function format(value: unknown, depth = 0, seen: readonly object[] = []): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `${/^class\b/.test(String(value)) ? 'class' : 'function'} ${value.name || '(anonymous)'}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Error) return `${value.name}: ${value.message}`
  if (seen.includes(value)) return '[circular]'
  if (hasOwnText(value)) return value.toString()
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? '[…]' : '{…}'
  const inner = [...seen, value]
  const item = (v: unknown) => format(v, depth + 1, inner)
  if (Array.isArray(value)) return `[${cut(value, item)}]`
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const list: readonly unknown[] = Array.from(value as Float32Array)
    return `${value.constructor.name}(${list.length}) [${cut(list, item)}]`
  }
  if (value instanceof Map) return `Map(${value.size}) {${cut([...value], ([k, v]) => `${item(k)} => ${item(v)}`)}}`
  if (value instanceof Set) return `Set(${value.size}) {${cut([...value], item)}}`
  const name = value.constructor?.name
  const fields = cut(Object.entries(value), ([k, v]) => `${k}: ${item(v)}`)
  return `${name && name !== 'Object' ? `${name} ` : ''}{${fields && ` ${fields} `}}`
}

/** Tensors, modules, dates and the like print themselves. Not by `String(…)`: in a template a tensor is its shape. */
function hasOwnText(value: object): boolean {
  const { toString } = value
  return typeof toString === 'function' && toString !== Object.prototype.toString && toString !== Array.prototype.toString && !ArrayBuffer.isView(value)
}

function cut<T>(list: readonly T[], item: (v: T) => string): string {
  const shown = list.slice(0, MAX_ITEMS).map(item)
  if (list.length > MAX_ITEMS) shown.push(`… ${list.length - MAX_ITEMS} more`)
  return shown.join(', ')
}
