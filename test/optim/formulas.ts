// The optimisers' formulas in plain float64 JavaScript, after PyTorch's documentation.
import { expect } from 'vitest'
import { optim, type Tensor } from '../../src/index.ts'

export type Vector = number[]
export type Update = (p: Vector, g: Vector, t: number) => void
const each = (f: (p: number, g: number, i: number, t: number) => number): Update => (p, g, t) => p.forEach((v, i) => (p[i] = f(v, g[i], i, t)))

function sgd({ lr = 1e-3, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false, maximize = false }: Partial<optim.SGDOptions>): Update {
  const buffer: Vector = []
  return each((p, g, i, t) => {
    const d = (maximize ? -g : g) + weightDecay * p
    if (!momentum) return p - lr * d
    buffer[i] = t === 1 ? d : momentum * buffer[i] + (1 - dampening) * d
    return p - lr * (nesterov ? d + momentum * buffer[i] : buffer[i])
  })
}

export function adam({ lr = 1e-3, betas: [b1, b2] = [0.9, 0.999], eps = 1e-8, weightDecay = 0, amsgrad = false, maximize = false }: Partial<optim.AdamOptions>, decoupled: boolean): Update {
  const [m, v, top]: Vector[] = [[], [], []]
  return each((p, g, i, t) => {
    const d = (maximize ? -g : g) + (decoupled ? 0 : weightDecay * p)
    m[i] = b1 * (m[i] ?? 0) + (1 - b1) * d
    v[i] = b2 * (v[i] ?? 0) + (1 - b2) * d * d
    top[i] = Math.max(top[i] ?? 0, v[i])
    const start = decoupled ? p * (1 - lr * weightDecay) : p
    return start - (lr / (1 - b1 ** t)) * (m[i] / (Math.sqrt((amsgrad ? top[i] : v[i]) / (1 - b2 ** t)) + eps))
  })
}

function rmsprop({ lr = 1e-2, alpha = 0.99, eps = 1e-8, weightDecay = 0, momentum = 0, centered = false }: Partial<optim.RMSpropOptions>): Update {
  const [square, mean, buffer]: Vector[] = [[], [], []]
  return each((p, g, i) => {
    const d = g + weightDecay * p
    square[i] = alpha * (square[i] ?? 0) + (1 - alpha) * d * d
    mean[i] = alpha * (mean[i] ?? 0) + (1 - alpha) * d
    buffer[i] = momentum * (buffer[i] ?? 0) + d / (Math.sqrt(square[i] - (centered ? mean[i] ** 2 : 0)) + eps)
    return p - lr * buffer[i]
  })
}

function adagrad({ lr = 1e-2, lrDecay = 0, weightDecay = 0, initialAccumulatorValue = 0, eps = 1e-10 }: Partial<optim.AdagradOptions>): Update {
  const sum: Vector = []
  return each((p, g, i, t) => {
    const d = g + weightDecay * p
    sum[i] = (sum[i] ?? initialAccumulatorValue) + d * d
    return p - (lr / (1 + (t - 1) * lrDecay)) * (d / (Math.sqrt(sum[i]) + eps))
  })
}

export type Make = (params: Tensor[]) => optim.Optimizer<{ lr: number }>
/** Name, optimiser, formula. */
export const kinds: readonly (readonly [string, Make, () => Update])[] = [
  ...([
    { lr: 0.1 }, { lr: 0.1, weightDecay: 0.1 }, { lr: 0.1, momentum: 0.9 }, { lr: 0.1, momentum: 0.9, dampening: 0.3 },
    { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }, { lr: 0.1, maximize: true },
  ] as const).map(o => [`SGD ${JSON.stringify(o)}`, (p: Tensor[]) => new optim.SGD(p, o), () => sgd(o)] as const),
  ...([{}, { lr: 0.05, weightDecay: 0.1 }, { amsgrad: true, lr: 0.1, betas: [0.5, 0.6] }, { maximize: true }] as const)
    .map(o => [`Adam ${JSON.stringify(o)}`, (p: Tensor[]) => new optim.Adam(p, o), () => adam(o, false)] as const),
  ...([{ lr: 0.05 }, { lr: 0.05, weightDecay: 0.5, amsgrad: true }] as const)
    .map(o => [`AdamW ${JSON.stringify(o)}`, (p: Tensor[]) => new optim.AdamW(p, o), () => adam({ weightDecay: 0.01, ...o }, true)] as const),
  ...([{}, { alpha: 0.5, centered: true, momentum: 0.9, eps: 1e-3 }, { weightDecay: 0.1, momentum: 0.5 }] as const)
    .map(o => [`RMSprop ${JSON.stringify(o)}`, (p: Tensor[]) => new optim.RMSprop(p, o), () => rmsprop(o)] as const),
  ...([{}, { lrDecay: 0.1, initialAccumulatorValue: 0.5, weightDecay: 0.1 }] as const)
    .map(o => [`Adagrad ${JSON.stringify(o)}`, (p: Tensor[]) => new optim.Adagrad(p, o), () => adagrad(o)] as const),
]

export const start = [[0.5, -1, 2, 0.25], [1.5]]
export const gradientAt = (t: number): Vector[] => start.map((row, k) => row.map((_, i) => Math.sin(3 * t + i + 7 * k) + 0.2))

export async function expectValues(params: readonly Tensor[], want: readonly Vector[]): Promise<void> {
  for (const [k, p] of params.entries()) [...(await p.data())].forEach((v, i) => expect(Math.abs(v - want[k][i]), `${v} instead of ${want[k][i]}`).toBeLessThan(2e-5 * Math.max(1, Math.abs(want[k][i]))))
}

