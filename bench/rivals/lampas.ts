// Lampas as its users write it: modules, an optimiser, and compile() around the step; the rows that say "eager" without compile().
import { add, arange, compile, init, nn, noGrad, optim, scope, softmax, tensor, type Tensor } from 'lampas'
import { enter, training, type Contender, type Options, type Run } from './contender.ts'
import { cnn, gpt, learningRate, lstm, mlp, normal, products, type Values } from './data.ts'

const from = ({ data, shape }: Values): Tensor => tensor(data, { shape: [...shape] })
const F = nn.functional

/** Puts a value in place of a parameter; dense weights lie as [in, out]. */
const set = (parameter: Tensor | null, value: Values, transposed = false): void =>
  noGrad(() => void parameter!.copy_(transposed ? from(value).t() : from(value)))

function dense(weight: Values, bias: Values): nn.Linear {
  const layer = new nn.Linear(weight.shape[0], weight.shape[1])
  set(layer.weight, weight, true)
  set(layer.bias, bias)
  return layer
}

function filters(weight: Values, bias: Values): nn.Conv2d {
  const layer = new nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], { padding: 1 })
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
    const mixed = F.scaledDotProductAttention(q, k, v, { isCausal: true }).transpose(1, 2).reshape(b, t, c)
    const y = x.add(this.out.forward(mixed))
    return y.add(this.down.forward(F.gelu(this.up.forward(this.norm2.forward(y)), { approximate: 'tanh' })))
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
type Optimizer = typeof optim.Adam | typeof optim.AdamW

function step(model: Model, Optimizer: Optimizer, x: Tensor, y: Tensor, eager: boolean, options = {}): Run {
  const optimizer = new Optimizer(model.parameters(), { lr: learningRate, ...options })
  const once = (a: Tensor, b: Tensor): Tensor => {
    optimizer.zeroGrad()
    const loss = F.crossEntropy(model.forward(a), b)
    loss.backward()
    optimizer.step()
    return loss
  }
  const run = eager ? (a: Tensor, b: Tensor) => scope(() => once(a, b)) : compile(once)
  return training(
    () => run(x, y),
    async loss => {
      const value = await loss.item()
      loss.dispose()
      return value
    },
  )
}

const labels = (y: Int32Array): Tensor => tensor(y, { shape: [y.length] })

const steps: Readonly<Record<string, (eager: boolean) => Run>> = {
  'MLP step': eager => {
    const w = mlp.weights
    const model = new nn.Sequential(dense(w.w1, w.b1), new nn.ReLU(), dense(w.w2, w.b2), new nn.ReLU(), dense(w.w3, w.b3))
    return step(model, optim.Adam, from(mlp.x), labels(mlp.y), eager)
  },
  'CNN step': eager => {
    const w = cnn.weights
    const model = new nn.Sequential(
      filters(w.w1, w.b1), new nn.ReLU(), new nn.MaxPool2d(2),
      filters(w.w2, w.b2), new nn.ReLU(), new nn.MaxPool2d(2),
      new nn.Flatten(), dense(w.w3, w.b3), new nn.ReLU(), dense(w.w4, w.b4),
    )
    return step(model, optim.Adam, from(cnn.x), labels(cnn.y), eager)
  },
  'GPT step': eager => step(new Gpt(), optim.AdamW, tensor(gpt.x, { shape: [gpt.batch, gpt.context] }), labels(gpt.y), eager, { weightDecay: gpt.decay }),
  'LSTM step': eager => step(new Lstm(), optim.Adam, from(lstm.x), labels(lstm.y), eager),
}

/** Calls an eager function again and again, and waits for the last result. */
const repeated = (f: () => Tensor): Run => async count => {
  for (let i = 0; i < count; i++) {
    const y = f()
    if (i === count - 1) await y.at(...y.shape.map(() => 0)).item()
    y.dispose()
  }
  return undefined
}

const rows: Contender['rows'] = {
  ...Object.fromEntries(
    Object.entries(products).map(([name, [m, k, n]]) => [name, () => {
      const [a, b] = [from(normal(1, [m, k])), from(normal(2, [k, n]))]
      return repeated(() => a.matmul(b))
    }]),
  ),
  'GELU 1M': () => {
    const x = from(normal(3, [1 << 20]))
    const f = compile((t: Tensor) => t.mul(0.5).mul(t.add(t.mul(t).mul(t).mul(0.044715)).mul(0.7978845608).tanh().add(1)))
    return repeated(() => f(x))
  },
  'sum 4M': () => {
    const x = from(normal(4, [1 << 22]))
    return repeated(() => x.sum())
  },
  'softmax 1024²': () => {
    const x = from(normal(5, [1024, 1024]))
    const f = compile((t: Tensor) => softmax(t, 1))
    return repeated(() => f(x))
  },
  'layer norm 1024²': () => {
    const x = from(normal(6, [1024, 1024]))
    const [g, b] = [from(normal(7, [1024])), from(normal(8, [1024]))]
    const f = compile((t: Tensor) => F.layerNorm(t, [1024], { weight: g, bias: b }))
    return repeated(() => f(x))
  },
  ...Object.fromEntries(Object.entries(steps).flatMap(([name, make]) => [[name, () => make(false)], [`${name}, eager`, () => make(true)]])),
  '10,000 adds of 16': () => async count => {
    const one = from(normal(9, [16]))
    for (let i = 0; i < count; i++) {
      let x = one
      for (let k = 0; k < 10_000; k++) {
        const y = add(x, one)
        if (x !== one) x.dispose()
        x = y
      }
      await x.data()
      x.dispose()
    }
    return undefined
  },
}

enter(async ({ device, threads }: Options) => {
  const opened = await init({ device, threads })
  return { rows, detail: opened.detail }
})
