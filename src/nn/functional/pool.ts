// Adaptive pooling: as many windows as asked, as even as the sizes allow.
import { fail } from '../../core/errors.ts'
import type { Shape } from '../../core/shape.ts'
import { perAxis } from '../../ops/spatial.ts'
import { define, needFloat, needTensor, type Described } from '../../ops/define.ts'
import { matmul, tensor, type Tensor } from '../../ops/index.ts'

/** Row i averages the positions ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ − 1 of n. */
function averages(n: number, m: number): number[][] {
  return Array.from({ length: m }, (_, i) => {
    const [start, end] = [Math.floor((i * n) / m), Math.ceil(((i + 1) * n) / m)]
    return Array.from({ length: n }, (_, j) => (j >= start && j < end ? 1 / (end - start) : 0))
  })
}

/** The last dimension averaged to m positions. */
function averageLast(x: Tensor, m: number): Tensor {
  const n = x.shape[x.ndim - 1]
  if (m === n) return x
  if (m === 1) return x.mean(-1, { keepdim: true })
  if (n % m === 0) return x.reshape([...x.shape.slice(0, -1), m, n / m]).mean(-1)
  return matmul(x, tensor(averages(n, m)).t())
}

type AdaptivePool = ((x: Tensor, outputSize: number | null | readonly (number | null)[]) => Tensor) & Described
const adaptive = (name: string, n: number): AdaptivePool =>
  define(name, ['input', 'outputSize'], ({ input: x, outputSize }: { input: Tensor; outputSize: number | null | readonly (number | null)[] }) => {
    needFloat(name, needTensor(name, x))
    if (x.ndim !== n + 1 && x.ndim !== n + 2) fail(name, `expected ${n + 1} or ${n + 2} dimensions, got ${x}`, `[batch, channels, …${n} spatial]`)
    const sizes = x.shape.slice(-n)
    const asked = Array.isArray(outputSize) ? outputSize : new Array<number | null>(n).fill(outputSize as number | null)
    const out: Shape = perAxis(name, 'outputSize', asked.map((m, i) => m ?? sizes[i]), n)
    return out.reduce((y, m, i) => {
      const axis = x.ndim - n + i
      return axis === x.ndim - 1 ? averageLast(y, m) : averageLast(y.transpose(axis, -1), m).transpose(axis, -1)
    }, x)
  })

/** Means of `outputSize` windows: [N, C, L] → [N, C, outputSize]. As `torch.nn.functional.adaptive_avg_pool1d`. */
export const adaptiveAvgPool1d: AdaptivePool = adaptive('adaptiveAvgPool1d', 1)
/** Means of windows: [N, C, H, W] → [N, C, …outputSize]; null keeps a size. As `torch.nn.functional.adaptive_avg_pool2d`. */
export const adaptiveAvgPool2d: AdaptivePool = adaptive('adaptiveAvgPool2d', 2)
