// TensorFlow.js as its documentation shows: tidy functions, variables and an optimiser's minimize().
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops'
import '@tensorflow/tfjs-core/dist/register_all_gradients'
import { setThreadsCount, setWasmPaths, getThreadsCount } from '@tensorflow/tfjs-backend-wasm'
import '@tensorflow/tfjs-backend-webgpu'
import wasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'
import { enter, training, type Contender, type Options, type Run } from './contender.ts'
import { cnn, gpt, learningRate, lstm, mlp, normal, products, type Values, type Weights } from './data.ts'

const from = ({ data, shape }: Values): tf.Tensor => tf.tensor(data, [...shape])

type Variables = Record<string, tf.Variable>
const variables = (weights: Weights): Variables => Object.fromEntries(Object.entries(weights).map(([name, w]) => [name, tf.variable(from(w))]))

function step(v: Variables, loss: () => tf.Scalar, decay = 0): Run {
  const adam = tf.train.adam(learningRate, 0.9, 0.999, 1e-8)
  const list = Object.values(v)
  return training(
    () => {
      if (decay) tf.tidy(() => list.forEach(x => x.assign(x.mul(1 - learningRate * decay))))
      return adam.minimize(loss, true, list)!
    },
    async cost => {
      const [value] = await cost.data()
      cost.dispose()
      return value
    },
  )
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

function gptLoss(v: Variables, x: tf.Tensor2D, y: tf.Tensor, mask: tf.Tensor): tf.Scalar {
  const { batch, context, width, heads, layers } = gpt
  const dense = (a: tf.Tensor, w: string, b: string): tf.Tensor => tf.matMul(a as tf.Tensor2D, v[w] as tf.Tensor2D).add(v[b])
  // Its gather has no gradient on wasm, so tokens are looked up by a product.
  let h: tf.Tensor = tf.matMul(x, v.embedTokens as tf.Tensor2D).reshape([batch, context, width]).add(v.embedPlaces).reshape([batch * context, width])
  for (let i = 0; i < layers; i++) {
    const [q, k, u] = dense(layerNorm(h, v[`${i}.1g`], v[`${i}.1b`]), `${i}.qkv`, `${i}.qkvb`)
      .reshape([batch, context, 3, heads, width / heads]).transpose([2, 0, 3, 1, 4]).unstack(0)
    const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(width / heads)).add(mask)
    const mixed = tf.matMul(tf.softmax(scores), u).transpose([0, 2, 1, 3]).reshape([batch * context, width])
    h = h.add(dense(mixed, `${i}.out`, `${i}.outb`))
    h = h.add(dense(gelu(dense(layerNorm(h, v[`${i}.2g`], v[`${i}.2b`]), `${i}.up`, `${i}.upb`)), `${i}.down`, `${i}.downb`))
  }
  return entropy(y, dense(layerNorm(h, v.g, v.b), 'head', 'headb'))
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

const repeated = (f: () => tf.Tensor): Run => async count => {
  for (let i = 0; i < count; i++) {
    const y = tf.tidy(f)
    if (i === count - 1) await tf.tidy(() => y.flatten().slice(0, 1)).data()
    y.dispose()
  }
  return undefined
}

const rows: Contender['rows'] = {
  ...Object.fromEntries(
    Object.entries(products).map(([name, [m, k, n]]) => [name, () => {
      const [a, b] = [from(normal(1, [m, k])), from(normal(2, [k, n]))]
      return repeated(() => tf.matMul(a, b))
    }]),
  ),
  'GELU 1M': () => {
    const x = from(normal(3, [1 << 20]))
    return repeated(() => gelu(x))
  },
  'sum 4M': () => {
    const x = from(normal(4, [1 << 22]))
    return repeated(() => x.sum())
  },
  'softmax 1024²': () => {
    const x = from(normal(5, [1024, 1024]))
    return repeated(() => tf.softmax(x))
  },
  'layer norm 1024²': () => {
    const x = from(normal(6, [1024, 1024]))
    const [g, b] = [from(normal(7, [1024])), from(normal(8, [1024]))]
    return repeated(() => layerNorm(x, g, b))
  },
  'MLP step': () => {
    const v = variables(mlp.weights)
    const [x, y] = [from(mlp.x) as tf.Tensor2D, oneHot(mlp.y, mlp.classes)]
    const dense = (a: tf.Tensor, i: number): tf.Tensor => tf.matMul(a as tf.Tensor2D, v[`w${i}`] as tf.Tensor2D).add(v[`b${i}`])
    return step(v, () => entropy(y, dense(dense(dense(x, 1).relu(), 2).relu(), 3)))
  },
  'CNN step': () => {
    const v = variables(cnn.weights)
    const x = from(cnn.x).transpose([0, 2, 3, 1]) as tf.Tensor4D
    const y = oneHot(cnn.y, cnn.classes)
    const conv = (a: tf.Tensor, i: number): tf.Tensor =>
      tf.maxPool(tf.conv2d(a as tf.Tensor4D, v[`w${i}`].transpose([2, 3, 1, 0]) as tf.Tensor4D, 1, 'same').add(v[`b${i}`]).relu() as tf.Tensor4D, 2, 2, 'valid')
    const dense = (a: tf.Tensor, i: number): tf.Tensor => tf.matMul(a as tf.Tensor2D, v[`w${i}`] as tf.Tensor2D).add(v[`b${i}`])
    return step(v, () => entropy(y, dense(dense(conv(conv(x, 1), 2).transpose([0, 3, 1, 2]).reshape([cnn.batch, 3136]), 3).relu(), 4)))
  },
  'GPT step': () => {
    const v = variables(gpt.weights)
    const [x, y] = [oneHot(gpt.x, gpt.vocabulary), oneHot(gpt.y, gpt.vocabulary)]
    const mask = tf.tensor2d(Float32Array.from({ length: gpt.context ** 2 }, (_, i) => (i % gpt.context > Math.floor(i / gpt.context) ? -1e9 : 0)), [gpt.context, gpt.context])
    return step(v, () => gptLoss(v, x, y, mask), gpt.decay)
  },
  'LSTM step': () => {
    const v = variables(lstm.weights)
    const xs = from(lstm.x).unstack(1)
    const y = oneHot(lstm.y, lstm.classes)
    return step(v, () => lstmLoss(v, xs, y))
  },
  '10,000 adds of 16': () => async count => {
    const one = from(normal(9, [16]))
    for (let i = 0; i < count; i++) {
      let x = one
      for (let k = 0; k < 10_000; k++) {
        const y = tf.add(x, one)
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
  setWasmPaths({ 'tfjs-backend-wasm.wasm': wasm, 'tfjs-backend-wasm-simd.wasm': simd, 'tfjs-backend-wasm-threaded-simd.wasm': threaded })
  setThreadsCount(threads)
  await tf.setBackend(device)
  await tf.ready()
  return { rows, detail: device === 'wasm' ? `${getThreadsCount()} threads` : tf.getBackend() }
})
