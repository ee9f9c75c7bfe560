// jax-js as its documentation shows: pure functions over trees of arrays, the whole step in jit(). A use of an array that is not its last
// one is written `.ref`.
import { defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { enter, finished, type Contender, type Options, type Run } from './contender.ts'
import { cnn, gpt, learningRate, lstm, mlp, products, random, small, type Values, type Weights } from './data.ts'

type Params = { [name: string]: np.Array }
type State = { p: Params; m: Params; v: Params; t: np.Array }

const from = ({ data, shape }: Values): np.Array => np.array(data).reshape([...shape])
const params = (weights: Weights): Params => Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, from(w)]))
const oneHot = (y: Int32Array<ArrayBuffer>, classes: number): np.Array => nn.oneHot(np.array(y), classes)
const each = (p: Params, f: (x: np.Array, name: string) => np.Array): Params => Object.fromEntries(Object.entries(p).map(([name, x]) => [name, f(x, name)]))

/** Waits for a result and frees it. */
async function ready(y: np.Array): Promise<void> {
  await y.blockUntilReady()
  y.dispose()
}

/** Reads the first element of a result and frees it. */
async function first(y: np.Array): Promise<number> {
  const element = y.size === 1 ? y : y.slice(...y.shape.map(() => 0))
  return (await element.data())[0]
}

/** One step of Adam, with decoupled decay (Loshchilov and Hutter 2017), all in one jit. */
function step(weights: Weights, loss: (p: Params, x: np.Array, y: np.Array) => np.Array, x: np.Array, y: np.Array, decay = 0): Run {
  const update = jit((s: State, a: np.Array, b: np.Array): [State, np.Array] => {
    const [value, g] = valueAndGrad(loss)(each(s.p, w => w.ref), a, b)
    const t = s.t.add(1)
    const c1 = np.subtract(1, np.power(0.9, t.ref))
    const c2 = np.subtract(1, np.power(0.999, t.ref))
    const next: State = { p: {}, m: {}, v: {}, t }
    for (const name of Object.keys(s.p)) {
      const m = s.m[name].mul(0.9).add(g[name].ref.mul(0.1))
      const v = s.v[name].mul(0.999).add(np.square(g[name]).mul(0.001))
      const change = m.ref.div(c1.ref).div(np.sqrt(v.ref.div(c2.ref)).add(1e-8)).mul(learningRate)
      next.p[name] = s.p[name].mul(1 - learningRate * decay).sub(change)
      next.m[name] = m
      next.v[name] = v
    }
    c1.dispose()
    c2.dispose()
    return [next, value]
  })
  const p = params(weights)
  let state: State = { p, m: each(p, w => np.zeros(w.shape)), v: each(p, w => np.zeros(w.shape)), t: np.array(0) }
  return finished(() => {
    const [next, value] = update(state, x.ref, y.ref)
    state = next
    return value
  }, first)
}

/** The mean of −log p of the classes that y marks. */
const entropy = (y: np.Array, logits: np.Array): np.Array => {
  const n = logits.shape[0]
  return np.sum(nn.logSoftmax(logits, -1).mul(y)).mul(-1 / n)
}

const gelu = (x: np.Array): np.Array => x.ref.mul(0.5).mul(np.tanh(x.ref.add(x.ref.mul(x.ref).mul(x).mul(0.044715)).mul(0.7978845608)).add(1))
const layerNorm = (x: np.Array, gain: np.Array, bias: np.Array): np.Array => nn.standardize(x, -1).mul(gain).add(bias)
const dense = (x: np.Array, w: np.Array, b: np.Array): np.Array => np.matmul(x, w).add(b)

function gptLogits(p: Params, x: np.Array): np.Array {
  const { batch, context, width, heads, layers } = gpt
  // Its gather fails inside of jit, so tokens are looked up by a product.
  let h = np.matmul(x, p.embedTokens).reshape([batch, context, width]).add(p.embedPlaces).reshape([batch * context, width])
  for (let i = 0; i < layers; i++) {
    const w = (name: string): np.Array => p[`${i}.${name}`]
    const qkv = dense(layerNorm(h.ref, w('1g'), w('1b')), w('qkv'), w('qkvb')).reshape([batch, context, 3, heads, width / heads])
    const [q, k, v] = np.split(qkv, 3, 2).map(part => part.reshape([batch, context, heads, width / heads]))
    const mixed = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([batch * context, width])
    h = h.add(dense(mixed, w('out'), w('outb')))
    h = h.ref.add(dense(gelu(dense(layerNorm(h, w('2g'), w('2b')), w('up'), w('upb'))), w('down'), w('downb')))
  }
  return dense(layerNorm(h, p.g, p.b), p.head, p.headb)
}

function lstmLoss(p: Params, x: np.Array, y: np.Array): np.Array {
  const { batch, width, steps } = lstm
  let h = np.zeros([batch, width])
  let c = np.zeros([batch, width])
  for (const part of np.split(x, steps, 1)) {
    const gates = np.matmul(part.reshape([batch, width]), p.wx.ref).add(np.matmul(h, p.wh.ref)).add(p.b.ref)
    const [i, f, g, o] = np.split(gates, 4, 1)
    c = nn.sigmoid(f).mul(c).add(nn.sigmoid(i).mul(np.tanh(g)))
    h = nn.sigmoid(o).mul(np.tanh(c.ref))
  }
  c.dispose()
  for (const name of ['wx', 'wh', 'b']) p[name].dispose()
  return entropy(y, dense(h, p.head, p.headb))
}

const repeated = (f: () => np.Array): Run => finished(f, first, ready)

/** A pass without gradients, in one jit. */
function forward(weights: Weights, logits: (p: Params, x: np.Array) => np.Array, x: np.Array): Run {
  const f = jit(logits)
  const p = params(weights)
  return repeated(() => f(each(p, w => w.ref), x.ref))
}

const perceptron = (p: Params, x: np.Array): np.Array => dense(nn.relu(dense(nn.relu(dense(x, p.w1, p.b1)), p.w2, p.b2)), p.w3, p.b3)

function convolutional(p: Params, x: np.Array): np.Array {
  const pool = (a: np.Array): np.Array => {
    const [n, c, h, w] = a.shape
    return np.max(a.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5])
  }
  const conv = (a: np.Array, w: np.Array, b: np.Array): np.Array => pool(nn.relu(lax.conv(a, w, [1, 1], 'SAME').add(b.reshape([-1, 1, 1]))))
  return dense(nn.relu(dense(conv(conv(x, p.w1, p.b1), p.w2, p.b2).reshape([cnn.batch, 3136]), p.w3, p.b3)), p.w4, p.b4)
}

const rows: Contender['rows'] = {
  ...Object.fromEntries(
    Object.entries(products).map(([name, [m, k, n]]) => [name, () => {
      const [a, b] = [from(random(1, [m, k])), from(random(2, [k, n]))]
      const f = jit((x: np.Array, y: np.Array) => np.matmul(x, y))
      return repeated(() => f(a.ref, b.ref))
    }]),
  ),
  'GELU 1M': () => {
    const x = from(random(3, [1 << 20]))
    const f = jit(gelu)
    return repeated(() => f(x.ref))
  },
  'sum 4M': () => {
    const x = from(random(4, [1 << 22]))
    const f = jit((a: np.Array) => np.sum(a))
    return repeated(() => f(x.ref))
  },
  'softmax 1024²': () => {
    const x = from(random(5, [1024, 1024]))
    const f = jit((a: np.Array) => nn.softmax(a, -1))
    return repeated(() => f(x.ref))
  },
  'layer norm 1024²': () => {
    const x = from(random(6, [1024, 1024]))
    const [g, b] = [from(random(7, [1024])), from(random(8, [1024]))]
    const f = jit(layerNorm)
    return repeated(() => f(x.ref, g.ref, b.ref))
  },
  'small MLP step': () =>
    step(small.weights, (p, x, y) => np.mean(np.square(dense(np.tanh(dense(x, p.w1, p.b1)), p.w2, p.b2).sub(y))), from(small.x), from(small.y)),
  'MLP step': () => step(mlp.weights, (p, x, y) => entropy(y, perceptron(p, x)), from(mlp.x), oneHot(mlp.y, mlp.classes)),
  'CNN step': () => step(cnn.weights, (p, x, y) => entropy(y, convolutional(p, x)), from(cnn.x), oneHot(cnn.y, cnn.classes)),
  'GPT step': () =>
    step(gpt.weights, (p, x, y) => entropy(y, gptLogits(p, x)), oneHot(gpt.x, gpt.vocabulary), oneHot(gpt.y, gpt.vocabulary), gpt.decay),
  'LSTM step': () => step(lstm.weights, lstmLoss, from(lstm.x), oneHot(lstm.y, lstm.classes)),
  'MLP forward': () => forward(mlp.weights, perceptron, from(mlp.x)),
  'CNN forward': () => forward(cnn.weights, convolutional, from(cnn.x)),
  'GPT forward': () => forward(gpt.weights, gptLogits, oneHot(gpt.x, gpt.vocabulary)),
  '10,000 adds of 16': () => {
    const one = from(random(9, [16]))
    return async count => {
      let value = NaN
      for (let i = 0; i < count; i++) {
        let x = one.ref
        for (let k = 0; k < 10_000; k++) {
          x = x.add(one.ref)
          // Its arrays are lazy: without this the sum would be one long expression.
          await x.blockUntilReady()
        }
        value = await first(x)
      }
      return value
    }
  },
}

enter(async ({ device }: Options) => {
  await init(device)
  defaultDevice(device)
  return { rows, detail: device }
})
