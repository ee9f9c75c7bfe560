// Tensors as text, in the form that PyTorch prints: columns of one width, fixed or scientific notation by the range of the values, only
// the edges of large tensors.
import { isComplex, isFloat, type TypedArray } from '../core/dtype.ts'
import { needKnown } from '../core/options.ts'
import { cat, narrow } from './movement.ts'
import { Tensor } from './tensor.ts'

export interface PrintOptions {
  /** Digits behind the point. Default 4. */
  precision?: number
  /** Tensors with more elements are shown by their edges. Default 1000. */
  threshold?: number
  /** Elements shown at each edge of each dimension. Default 3. */
  edgeitems?: number
  /** Characters in a line. Default 80. */
  linewidth?: number
  /** Whether to use scientific notation; by the range of the values when left out. */
  sciMode?: boolean
}

const settings: Required<Omit<PrintOptions, 'sciMode'>> & PrintOptions = { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 }

/**
 * Sets how tensors are printed from now on. As `torch.set_printoptions`.
 *
 * @example
 * setPrintoptions({ precision: 2 })
 */
export function setPrintoptions(options: PrintOptions): void {
  needKnown('setPrintoptions', options, ['precision', 'threshold', 'edgeitems', 'linewidth', 'sciMode'])
  Object.assign(settings, options)
}

/** How the numbers of one tensor are written, so that its columns have one width. */
type Format = (x: number) => string

const scientific = (x: number, digits: number): string => x.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2')
const special = (x: number): string => (Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf')

function formatOf(values: ArrayLike<number>, isFloating: boolean): Format {
  const { precision, sciMode } = settings
  let low = Infinity
  let high = 0
  let whole = true
  let width = 1
  const widen = (text: string): void => {
    width = Math.max(width, text.length)
  }
  const regular = Array.from(values).filter(x => Number.isFinite(x) && (x !== 0 || !isFloating))
  for (const x of regular) {
    low = Math.min(low, Math.abs(x))
    high = Math.max(high, Math.abs(x))
    whole &&= Number.isInteger(x)
  }
  const wide = high / low > 1000 || high > 1e8
  const useScience = isFloating && regular.length > 0 && (sciMode ?? (whole ? wide : wide || low < 1e-4))
  const write = (x: number): string => {
    if (!isFloating) return String(x)
    if (!Number.isFinite(x)) return special(x)
    return useScience ? scientific(x, precision) : whole ? `${Object.is(x, -0) ? '-0' : x.toFixed(0)}.` : (Object.is(x, -0) ? '-' : '') + x.toFixed(precision)
  }
  for (const x of regular) widen(write(x))
  return x => write(x).padStart(width)
}

/** Elements as text, one for each element. */
function cells(x: Tensor, data: TypedArray): string[] {
  if (x.dtype === 'bool') {
    const width = data.includes(0) ? 5 : 4
    return Array.from(data, v => (v ? 'True' : 'False').padStart(width))
  }
  if (!isComplex(x.dtype)) return Array.from(data, formatOf(data, isFloat(x.dtype)))
  const parts = (from: number): Float32Array => Float32Array.from({ length: data.length / 2 }, (_, i) => data[2 * i + from])
  const [re, im] = [parts(0), parts(1)]
  const [left, right] = [formatOf(re, true), formatOf(im, true)]
  return Array.from(re, (v, i) => {
    const text = right(im[i]).trimStart()
    return `${left(v)}${/^[-]/.test(text) ? '' : '+'}${text}j`
  })
}

const isLarge = (x: Tensor): boolean => x.numel > settings.threshold

/** The elements that are shown of a large tensor: its edges, joined. */
function edges(x: Tensor): Tensor {
  const n = settings.edgeitems
  return x.shape.reduce((y, size, axis) => (size > 2 * n ? cat([narrow(y, axis, 0, n), narrow(y, axis, size - n, n)], axis) : y), x)
}

function layout(x: Tensor, shown: Tensor, text: readonly string[]): string {
  let at = 0
  const { edgeitems, linewidth } = settings
  const build = (axis: number, indent: number): string => {
    if (axis === shown.ndim) return text[at++]
    const size = shown.shape[axis]
    const cut = size < x.shape[axis]
    const items: string[] = []
    for (let i = 0; i < size; i++) {
      if (cut && i === edgeitems) items.push('...')
      items.push(build(axis + 1, indent + 1))
    }
    if (axis < shown.ndim - 1) return `[${items.join(`,${'\n'.repeat(shown.ndim - axis - 1)}${' '.repeat(indent + 1)}`)}]`
    const perLine = Math.max(1, Math.floor((linewidth - indent) / ((items[0]?.length ?? 0) + 2)))
    const lines = Array.from({ length: Math.ceil(items.length / perLine) }, (_, i) => items.slice(i * perLine, (i + 1) * perLine).join(', '))
    return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`
  }
  return build(0, 'tensor('.length)
}

/** What stands behind the values: whatever is not as it is by default. */
function suffix(x: Tensor): string {
  const notes = [
    ...(x.numel === 0 && x.ndim !== 1 ? [`size=[${x.shape.join(', ')}]`] : []),
    ...(x.device === 'wasm' ? [] : [`device='${x.device}'`]),
    ...((x.numel > 0 ? ['float32', 'int32', 'bool', 'complex64'] : ['float32']).includes(x.dtype) ? [] : [`dtype=${x.dtype}`]),
    ...(x.gradFn ? [`gradFn=<${x.gradFn.op.name}>`] : x.requiresGrad ? ['requiresGrad=true'] : []),
  ]
  return notes.map(n => `, ${n}`).join('')
}

const written = (x: Tensor, shown: Tensor, data: TypedArray): string => `tensor(${x.numel === 0 ? '[]' : layout(x, shown, cells(shown, data))}${suffix(x)})`

const visible = (x: Tensor): Tensor => (isLarge(x) ? edges(x.detach()) : x.detach())

/**
 * The values as text, in PyTorch's form, where the device can be read at once; elsewhere dtype and shape. As `torch.Tensor.__repr__`.
 *
 * @example
 * tensor([[1, 2], [3, 4.5]]).toString()
 * // tensor([[1.0000, 2.0000],
 * //         [3.0000, 4.5000]])
 */
export function format(x: Tensor): string {
  try {
    const shown = visible(x)
    return written(x, shown, shown.dataSync())
  } catch {
    return `tensor(${x}${suffix(x)})`
  }
}

/** As `format`, on any device. */
export async function formatAsync(x: Tensor): Promise<string> {
  const shown = visible(x)
  return written(x, shown, await shown.data())
}

/**
 * Writes tensors (in PyTorch's form) and other values to the console, once the device has them.
 *
 * @example
 * await print('weights:', tensor([1, 2, 3]))
 */
export async function print(...values: unknown[]): Promise<void> {
  console.log(...(await Promise.all(values.map(v => (v instanceof Tensor ? formatAsync(v) : v)))))
}

/** What `inspect` finds. NaN and infinities are counted, and left out of the rest. */
export interface Statistics {
  readonly tensor: string
  readonly device: string
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Standard deviation of the population. */
  readonly std: number
  readonly zeros: number
  readonly nan: number
  readonly inf: number
  toString(): string
}

/**
 * Range, mean, spread and oddities of the values of a real tensor; over no numbers min, max, mean and std are NaN.
 *
 * @example
 * const { min, max, nan } = await inspect(tensor([1, 2, NaN]))
 */
export async function inspect(x: Tensor): Promise<Statistics> {
  const data = await (isComplex(x.dtype) ? x.abs() : x).detach().data()
  let [min, max, mean, m2, n, zeros, nan, inf] = [Infinity, -Infinity, 0, 0, 0, 0, 0, 0]
  for (const v of data) {
    if (v === 0) zeros++
    if (Number.isNaN(v)) nan++
    else if (!Number.isFinite(v)) inf++
    else {
      // Welford's update.
      const d = v - mean
      mean += d / ++n
      m2 += d * (v - mean)
      min = Math.min(min, v)
      max = Math.max(max, v)
    }
  }
  if (n === 0) min = max = mean = NaN
  const found = { tensor: String(x), device: x.device, min, max, mean, std: Math.sqrt(m2 / n), zeros, nan, inf }
  const brief = (v: number): string => (Number.isInteger(v) ? String(v) : v.toPrecision(4))
  const line = `${found.tensor} on ${found.device}: ${[`min ${brief(min)}`, `max ${brief(max)}`, `mean ${brief(mean)}`, `std ${brief(found.std)}`, `zeros ${zeros}`, `nan ${nan}`, `inf ${inf}`].join(', ')}`
  return Object.defineProperty({ ...found }, 'toString', { value: () => line, enumerable: false })
}

const methods = {
  toString(this: Tensor): string {
    return format(this)
  },
  inspect(this: Tensor): Promise<Statistics> {
    return inspect(this)
  },
  // What Node shows for console.log(x).
  [Symbol.for('nodejs.util.inspect.custom')](this: Tensor): string {
    return format(this)
  },
}
Object.defineProperties(Tensor.prototype, Object.fromEntries(Reflect.ownKeys(methods).map(name => [name, { value: methods[name as keyof typeof methods], writable: true, configurable: true }])))

interface DevtoolsFormatter {
  header(value: unknown): unknown[] | null
  hasBody(value: unknown): boolean
  body(value: unknown): unknown[] | null
}

/** Shows tensors as text in a browser's console, where custom formatters are switched on in its settings. */
const devtools: DevtoolsFormatter = {
  header: value => (value instanceof Tensor ? ['span', {}, `${value} on ${value.device}`] : null),
  hasBody: value => value instanceof Tensor,
  body: value => (value instanceof Tensor ? ['pre', { style: 'margin: 0 0 0 1em' }, format(value)] : null),
}
const page = globalThis as { document?: unknown; devtoolsFormatters?: DevtoolsFormatter[] }
if (page.document) (page.devtoolsFormatters ??= []).push(devtools)
