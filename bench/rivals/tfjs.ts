// TensorFlow.js as its documentation shows: tidy functions, variables and an optimiser's minimize().
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops'
import '@tensorflow/tfjs-core/dist/register_all_gradients'
import wasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'
import { enter, finished, type Contender, type Options, type Run } from './contender.ts'
import { cnn, gpt, learningRate, lstm, mlp, products, random, small, type Values, type Weights } from './data.ts'

const from = ({ data, shape }: Values): tf.Tensor => tf.tensor(data, [...shape])

type Variables = Record<string, tf.Variable>
const variables = (weights: Weights): Variables => Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, tf.variable(from(w))]))

/** Reads the first element of a result and frees it. */
async function first(y: tf.Tensor): Promise<number> {
  const element = y.size === 1 ? y : tf.tidy(() => y.flatten().slice(0, 1))
  const [value] = await element.data()
  element.dispose()
  y.dispose()
  return value
}

function step(v: Variables, loss: () => tf.Scalar, decay = 0): Run {
  const adam = tf.train.adam(learningRate, 0.9, 0.999, 1e-8)
  const list = Object.values(v)
  return finished(() => {
    if (decay) tf.tidy(() => list.forEach(x => x.assign(x.mul(1 - learningRate * decay))))
    return adam.minimize(loss, true, list)!
  }, first)
}

/** The mean of −log p of the classes that y marks. */
const entropy = (y: tf.Tensor, logits: tf.Tensor): tf.Scalar => tf.logSoftmax(logits).mul(y).sum().mul(-1 / logits.shape[0]!) as tf.Scalar
const oneHot = (y: Int32Array, classes: number): tf.Tensor2D => tf.oneHot(tf.tensor1d(y, 'int32'), classes).toFloat() as tf.Tensor2D

function gelu(x: tf.Tensor): tf.Tensor {
  return x.mul(0.5).mul(x.add(x.mul(x).mul(x).mul(0.044715)).mul(0.7978845608).tanh().add(1))
}

function layerNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true)
  return x.sub(mean).div(variance.add(1e-5).sqrt()).mul(gain).add(bias)
}

/** Of tokens as numbers, or for training as one-hot rows: its gather has no gradient on wasm, so there they are looked up by a product. */
function gptLogits(v: Variables, x: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  const { batch, context, width, heads, layers } = gpt
  const dense = (a: tf.Tensor, w: string, b: string): tf.Tensor => tf.matMul(a as tf.Tensor2D, v[w] as tf.Tensor2D).add(v[b])
  const tokens = x.rank === 1 ? tf.gather(v.embedTokens, x as tf.Tensor1D) : tf.matMul(x as tf.Tensor2D, v.embedTokens as tf.Tensor2D)
  let h: tf.Tensor = tokens.reshape([batch, context, width]).add(v.embedPlaces).reshape([batch * context, width])
  for (let i = 0; i < layers; i++) {
    const [q, k, u] = dense(layerNorm(h, v[`${i}.1g`], v[`${i}.1b`]), `${i}.qkv`, `${i}.qkvb`)
      .reshape([batch, context, 3, heads, width / heads]).transpose([2, 0, 3, 1, 4]).unstack(0)
    const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(width / heads)).add(mask)
    const mixed = tf.matMul(tf.softmax(scores), u).transpose([0, 2, 1, 3]).reshape([batch * context, width])
    h = h.add(dense(mixed, `${i}.out`, `${i}.outb`))
    h = h.add(dense(gelu(dense(layerNorm(h, v[`${i}.2g`], v[`${i}.2b`]), `${i}.up`, `${i}.upb`)), `${i}.down`, `${i}.downb`))
  }
  return dense(layerNorm(h, v.g, v.b), 'head', 'headb')
}

function lstmLoss(v: Variables, xs: tf.Tensor[], y: tf.Tensor): tf.Scalar {
  const { batch, width } = lstm
  let h: tf.Tensor = tf.zeros([batch, width])
  let c: tf.Tensor = tf.zeros([batch, width])
  for (const x of xs) {
    const gates = tf.matMul(x as tf.Tensor2D, v.wx as tf.Tensor2D).add(tf.matMul(h as tf.Tensor2D, v.wh as tf.Tensor2D)).add(v.b)
    const [i, f, g, o] = tf.split(gates, 4, 1)
    c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
    h = o.sigmoid().mul(c.tanh())
  }
  return entropy(y, tf.matMul(h as tf.Tensor2D, v.head as tf.Tensor2D).add(v.headb))
}

const repeated = (f: () => tf.Tensor): Run => finished(() => tf.tidy(f), first)

const perceptron = (v: Variables, x: tf.Tensor): tf.Tensor => {
  const dense = (a: tf.Tensor, i: number): tf.Tensor => tf.matMul(a as tf.Tensor2D, v[`w${i}`] as tf.Tensor2D).add(v[`b${i}`])
  return dense(dense(dense(x, 1).relu(), 2).relu(), 3)
}

const cnnInput = (): tf.Tensor => from(cnn.x).transpose([0, 2, 3, 1])
function convolutional(v: Variables, x: tf.Tensor): tf.Tensor {
  const conv = (a: tf.Tensor, i: number): tf.Tensor =>
    tf.maxPool(tf.conv2d(a as tf.Tensor4D, v[`w${i}`].transpose([2, 3, 1, 0]) as tf.Tensor4D, 1, 'same').add(v[`b${i}`]).relu() as tf.Tensor4D, 2, 2, 'valid')
  const dense = (a: tf.Tensor, i: number): tf.Tensor => tf.matMul(a as tf.Tensor2D, v[`w${i}`] as tf.Tensor2D).add(v[`b${i}`])
  return dense(dense(conv(conv(x, 1), 2).transpose([0, 3, 1, 2]).reshape([cnn.batch, 3136]), 3).relu(), 4)
}

const causal = (): tf.Tensor =>
  tf.tensor2d(Float32Array.from({ length: gpt.context ** 2 }, (_, i) => (i % gpt.context > Math.floor(i / gpt.context) ? -1e9 : 0)), [gpt.context, gpt.context])

const rows: Contender['rows'] = {
  ...Object.fromEntries(
    Object.entries(products).map(([name, [m, k, n]]) => [name, () => {
      const [a, b] = [from(random(1, [m, k])), from(random(2, [k, n]))]
      return repeated(() => tf.matMul(a, b))
    }]),
  ),
  'GELU 1M': () => {
    const x = from(random(3, [1 << 20]))
    return repeated(() => gelu(x))
  },
  'sum 4M': () => {
    const x = from(random(4, [1 << 22]))
    return repeated(() => x.sum())
  },
  'softmax 1024²': () => {
    const x = from(random(5, [1024, 1024]))
    return repeated(() => tf.softmax(x))
  },
  'layer norm 1024²': () => {
    const x = from(random(6, [1024, 1024]))
    const [g, b] = [from(random(7, [1024])), from(random(8, [1024]))]
    return repeated(() => layerNorm(x, g, b))
  },
  'small MLP step': () => {
    const v = variables(small.weights)
    const [x, y] = [from(small.x) as tf.Tensor2D, from(small.y)]
    return step(v, () => tf.matMul(tf.matMul(x, v.w1 as tf.Tensor2D).add(v.b1).tanh() as tf.Tensor2D, v.w2 as tf.Tensor2D).add(v.b2).sub(y).square().mean())
  },
  'MLP step': () => {
    const v = variables(mlp.weights)
    const [x, y] = [from(mlp.x), oneHot(mlp.y, mlp.classes)]
    return step(v, () => entropy(y, perceptron(v, x)))
  },
  'MLP forward': () => {
    const [v, x] = [variables(mlp.weights), from(mlp.x)]
    return repeated(() => perceptron(v, x))
  },
  'CNN step': () => {
    const v = variables(cnn.weights)
    const [x, y] = [cnnInput(), oneHot(cnn.y, cnn.classes)]
    return step(v, () => entropy(y, convolutional(v, x)))
  },
  'CNN forward': () => {
    const [v, x] = [variables(cnn.weights), cnnInput()]
    return repeated(() => convolutional(v, x))
  },
  'GPT step': () => {
    const v = variables(gpt.weights)
    const [x, y, mask] = [oneHot(gpt.x, gpt.vocabulary), oneHot(gpt.y, gpt.vocabulary), causal()]
    return step(v, () => entropy(y, gptLogits(v, x, mask)), gpt.decay)
  },
  'GPT forward': () => {
    const [v, x, mask] = [variables(gpt.weights), tf.tensor1d(gpt.x, 'int32'), causal()]
    return repeated(() => gptLogits(v, x, mask))
  },
  'LSTM step': () => {
    const v = variables(lstm.weights)
    const xs = from(lstm.x).unstack(1)
    const y = oneHot(lstm.y, lstm.classes)
    return step(v, () => lstmLoss(v, xs, y))
  },
  '10,000 adds of 16': () => {
    const one = from(random(9, [16]))
    return finished(() => {
      let x = tf.add(one, one)
      for (let k = 1; k < 10_000; k++) {
        const y = tf.add(x, one)
        x.dispose()
        x = y
      }
      return x
    }, first)
  },
}

/** Only the backend that is asked for is fetched. */
async function open({ device, threads }: Options): Promise<Contender> {
  if (device === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu')
  else {
    const backend = await import('@tensorflow/tfjs-backend-wasm')
    backend.setWasmPaths({ 'tfjs-backend-wasm.wasm': wasm, 'tfjs-backend-wasm-simd.wasm': simd, 'tfjs-backend-wasm-threaded-simd.wasm': threaded })
    backend.setThreadsCount(threads)
  }
  await tf.setBackend(device)
  await tf.ready()
  return { rows, detail: tf.getBackend() }
}

enter(open)
