// Lampas as its users write it: modules, an optimiser, and compile() around the step; the rows that say "eager" without compile().
import { add, arange, compile, init, manualSeed, nn, noGrad, optim, randn, scope, softmax, tensor, type Tensor } from 'lampas/lite'
import { growth } from '../run/growth.mjs'
import { enter, finished, type Contender, type Options, type Run } from './contender.ts'
import { cnn, gpt, integers, learningRate, lstm, mlp, products, random, small, type Values } from './data.ts'

const { skipInit } = nn.utils
const from = ({ data, shape }: Values): Tensor => tensor(data, { shape: [...shape] })

/** Puts a value in place of a parameter; dense weights lie as [in, out]. */
const set = (parameter: Tensor | null, value: Values, transposed = false): void =>
  noGrad(() => void parameter!.copy_(transposed ? from(value).t() : from(value)))

function dense(weight: Values, bias: Values): nn.Linear {
  const layer = skipInit(nn.Linear, weight.shape[0], weight.shape[1])
  set(layer.weight, weight, true)
  set(layer.bias, bias)
  return layer
}

function filters(weight: Values, bias: Values): nn.Conv2d {
  const layer = skipInit(nn.Conv2d, weight.shape[1], weight.shape[0], weight.shape[2], { padding: 1 })
  set(layer.weight, weight)
  set(layer.bias, bias)
  return layer
}

function norm(gain: Values, bias: Values): nn.LayerNorm {
  const layer = new nn.LayerNorm(gain.shape[0])
  set(layer.weight, gain)
  set(layer.bias, bias)
  return layer
}

class Block extends nn.Module {
  private readonly norm1: nn.LayerNorm
  private readonly qkv: nn.Linear
  private readonly out: nn.Linear
  private readonly norm2: nn.LayerNorm
  private readonly up: nn.Linear
  private readonly down: nn.Linear
  constructor(i: number) {
    super()
    const w = (name: string): Values => gpt.weights[`${i}.${name}`]
    this.norm1 = norm(w('1g'), w('1b'))
    this.qkv = dense(w('qkv'), w('qkvb'))
    this.out = dense(w('out'), w('outb'))
    this.norm2 = norm(w('2g'), w('2b'))
    this.up = dense(w('up'), w('upb'))
    this.down = dense(w('down'), w('downb'))
  }
  override forward(x: Tensor): Tensor {
    const [b, t, c] = x.shape
    const [q, k, v] = this.qkv.forward(this.norm1.forward(x)).reshape(b, t, 3, gpt.heads, c / gpt.heads).permute(2, 0, 3, 1, 4).unbind(0)
    const mixed = nn.functional.scaledDotProductAttention(q, k, v, { isCausal: true }).transpose(1, 2).reshape(b, t, c)
    const y = x.add(this.out.forward(mixed))
    return y.add(this.down.forward(nn.functional.gelu(this.up.forward(this.norm2.forward(y)), { approximate: 'tanh' })))
  }
}

class Gpt extends nn.Module {
  private readonly tokens = new nn.Embedding(gpt.vocabulary, gpt.width)
  private readonly places = new nn.Embedding(gpt.context, gpt.width)
  private readonly blocks = new nn.Sequential(...Array.from({ length: gpt.layers }, (_, i) => new Block(i)))
  private readonly norm = norm(gpt.weights.g, gpt.weights.b)
  private readonly head = dense(gpt.weights.head, gpt.weights.headb)
  private readonly at = arange(gpt.context, { dtype: 'int32' })
  constructor() {
    super()
    set(this.tokens.weight, gpt.weights.embedTokens)
    set(this.places.weight, gpt.weights.embedPlaces)
  }
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.norm.forward(this.blocks.forward(this.tokens.forward(x).add(this.places.forward(this.at))))).flatten(0, 1)
  }
}

class Lstm extends nn.Module {
  private readonly lstm = new nn.LSTM(lstm.width, lstm.width, { batchFirst: true })
  private readonly head = dense(lstm.weights.head, lstm.weights.headb)
  constructor() {
    super()
    const [weightIh, weightHh, biasIh, biasHh] = this.lstm.parameters()
    const { wx, wh } = lstm.weights
    set(weightIh, wx, true)
    set(weightHh, wh, true)
    for (const bias of [biasIh, biasHh]) noGrad(() => bias.zero_())
  }
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(x)[0].at(':', -1))
  }
}

type Model = nn.Module & { forward(x: Tensor): Tensor }

/** Reads the first element of a result and frees it. */
async function first(y: Tensor): Promise<number> {
  const element = y.ndim === 0 ? y : y.at(...y.shape.map(() => 0))
  const value = await element.item()
  element.dispose()
  y.dispose()
  return value
}

interface StepOptions {
  readonly eager?: boolean
  readonly criterion?: (out: Tensor, y: Tensor) => Tensor
  readonly decay?: number
}

async function step(model: Model, x: Tensor, y: Tensor, { eager = false, criterion = (out, target) => nn.functional.crossEntropy(out, target), decay }: StepOptions = {}): Promise<Run> {
  const [Optimizer, more] = decay === undefined ? [optim.Adam, {}] : [optim.AdamW, { weightDecay: decay }]
  const optimizer = new Optimizer(model.parameters(), { lr: learningRate, ...more })
  const once = (a: Tensor, b: Tensor): Tensor => {
    optimizer.zeroGrad()
    const loss = criterion(model.forward(a), b)
    loss.backward()
    optimizer.step()
    return loss
  }
  if (eager) return finished(() => scope(() => once(x, y)), first)
  const run = compile(once)
  await run.warm([x, y])
  return finished(() => run(x, y), first)
}

const labels = (y: Int32Array): Tensor => tensor(y, { shape: [y.length] })

const mlpModel = (): Model => {
  const w = mlp.weights
  return new nn.Sequential(dense(w.w1, w.b1), new nn.ReLU(), dense(w.w2, w.b2), new nn.ReLU(), dense(w.w3, w.b3))
}

const cnnModel = (): Model => {
  const w = cnn.weights
  return new nn.Sequential(
    filters(w.w1, w.b1), new nn.ReLU(), new nn.MaxPool2d(2),
    filters(w.w2, w.b2), new nn.ReLU(), new nn.MaxPool2d(2),
    new nn.Flatten(), dense(w.w3, w.b3), new nn.ReLU(), dense(w.w4, w.b4),
  )
}

const smallModel = (): Model => {
  const w = small.weights
  return new nn.Sequential(dense(w.w1, w.b1), new nn.Tanh(), dense(w.w2, w.b2))
}

const gptInput = (): Tensor => tensor(gpt.x, { shape: [gpt.batch, gpt.context] })

const steps: Readonly<Record<string, (eager: boolean) => Promise<Run>>> = {
  'small MLP step': eager => step(smallModel(), from(small.x), from(small.y), { eager, criterion: (out, y) => nn.functional.mseLoss(out, y) }),
  'MLP step': eager => step(mlpModel(), from(mlp.x), labels(mlp.y), { eager }),
  'CNN step': eager => step(cnnModel(), from(cnn.x), labels(cnn.y), { eager }),
  'GPT step': eager => step(new Gpt(), gptInput(), labels(gpt.y), { eager, decay: gpt.decay }),
  'LSTM step': eager => step(new Lstm(), from(lstm.x), labels(lstm.y), { eager }),
}

/** A compiled pass without gradients. */
function forward(model: Model, x: Tensor): Run {
  const f = compile((t: Tensor) => noGrad(() => model.forward(t)))
  return finished(() => f(x), first)
}

/** A step of an MLP that is a table's next larger one. */
function grown({ batch, width, depth }: (typeof growth)[number]): Promise<Run> {
  manualSeed(1)
  const layers = Array.from({ length: depth }, () => [new nn.Linear(width, width), new nn.ReLU()]).flat()
  const labelled = integers(1, batch, width)
  return step(new nn.Sequential(...layers), randn(batch, width), labels(labelled))
}

const rows: Contender['rows'] = {
  ...Object.fromEntries(
    Object.entries(products).map(([name, [m, k, n]]) => [name, () => {
      const [a, b] = [from(random(1, [m, k])), from(random(2, [k, n]))]
      return finished(() => a.matmul(b), first)
    }]),
  ),
  'GELU 1M': () => {
    const x = from(random(3, [1 << 20]))
    const f = compile((t: Tensor) => t.mul(0.5).mul(t.add(t.mul(t).mul(t).mul(0.044715)).mul(0.7978845608).tanh().add(1)))
    return finished(() => f(x), first)
  },
  'sum 4M': () => {
    const x = from(random(4, [1 << 22]))
    return finished(() => x.sum(), first)
  },
  'softmax 1024²': () => {
    const x = from(random(5, [1024, 1024]))
    const f = compile((t: Tensor) => softmax(t, 1))
    return finished(() => f(x), first)
  },
  'layer norm 1024²': () => {
    const x = from(random(6, [1024, 1024]))
    const [g, b] = [from(random(7, [1024])), from(random(8, [1024]))]
    const f = compile((t: Tensor) => nn.functional.layerNorm(t, [1024], { weight: g, bias: b }))
    return finished(() => f(x), first)
  },
  ...Object.fromEntries(Object.entries(steps).flatMap(([name, make]) => [[name, () => make(false)], [`${name}, eager`, () => make(true)]])),
  'MLP forward': () => forward(mlpModel(), from(mlp.x)),
  'CNN forward': () => forward(cnnModel(), from(cnn.x)),
  'GPT forward': () => forward(new Gpt(), gptInput()),
  ...Object.fromEntries(growth.map(size => [size.row, () => grown(size)])),
  '10,000 adds of 16': () => {
    const one = from(random(9, [16]))
    return finished(() => {
      let x = add(one, one)
      for (let k = 1; k < 10_000; k++) {
        const y = add(x, one)
        x.dispose()
        x = y
      }
      return x
    }, first)
  },
  '10,000 adds of 16, on the tape': () => {
    const one = from(random(9, [16])).requiresGrad_()
    return finished(() => scope(() => {
      let x = add(one, one)
      for (let k = 1; k < 10_000; k++) x = add(x, one)
      return x
    }), first)
  },
}

enter(async ({ device, threads }: Options) => {
  const opened = await init({ device, threads })
  return { rows, detail: opened.detail }
})
