// ONNX Runtime Web, which runs models and does not train them: each row is a model of its own, with the weights as constants, so that it
// may lay them out as it likes before the clock starts.
import * as ort from 'onnxruntime-web/wasm'
import module from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { enter, finished, type Contender, type Run } from './contender.ts'
import { cnn, gpt, mlp, products, random, type Values } from './data.ts'
import { Graph } from './onnx.ts'

/** A model of one input, which is copied in at each call, as its interface wants. */
async function row(x: Values | Int32Array, shape: readonly number[], build: (graph: Graph, x: string) => string): Promise<Run> {
  const graph = new Graph()
  const whole = x instanceof Int32Array
  const session = await ort.InferenceSession.create(graph.model(build(graph, graph.input('x', shape, whole))))
  const feeds = { x: whole ? new ort.Tensor('int32', x, shape) : new ort.Tensor('float32', x.data, shape) }
  return finished(
    () => session.run(feeds),
    async outputs => Number((await outputs)[session.outputNames[0]].data[0]),
  )
}

const of = (x: Values, build: (graph: Graph, x: string) => string): Promise<Run> => row(x, x.shape, build)
const dense = (g: Graph, x: string, w: Values, b: Values): string => g.node('Add', [g.node('MatMul', [x, g.constant(w)]), g.constant(b)])
const norm = (g: Graph, x: string, gain: Values, bias: Values): string => g.node('LayerNormalization', [x, g.constant(gain), g.constant(bias)], { epsilon: { float: 1e-5 } })

function attend(g: Graph, h: string, w: (name: string) => Values, mask: string): string {
  const { batch, context, width, heads } = gpt
  const qkv = g.node('Reshape', [dense(g, norm(g, h, w('1g'), w('1b')), w('qkv'), w('qkvb')), g.list(batch, context, 3, heads, width / heads)])
  const [q, k, v] = g.nodes('Split', [qkv], 3, { axis: 2, num_outputs: 3 }).map(part => g.node('Squeeze', [part, g.list(2)]))
  const scores = g.node('MatMul', [g.node('Transpose', [q], { perm: [0, 2, 1, 3] }), g.node('Transpose', [k], { perm: [0, 2, 3, 1] })])
  const scale = g.constant({ shape: [1], data: Float32Array.of(1 / Math.sqrt(width / heads)) })
  const weights = g.node('Softmax', [g.node('Add', [g.node('Mul', [scores, scale]), mask])], { axis: -1 })
  const mixed = g.node('Transpose', [g.node('MatMul', [weights, g.node('Transpose', [v], { perm: [0, 2, 1, 3] })])], { perm: [0, 2, 1, 3] })
  return g.node('Add', [h, dense(g, g.node('Reshape', [mixed, g.list(batch, context, width)]), w('out'), w('outb'))])
}

function transformer(g: Graph, x: string): string {
  const { context, layers, weights } = gpt
  const mask = g.constant({
    shape: [context, context],
    data: Float32Array.from({ length: context ** 2 }, (_, i) => (i % context > Math.floor(i / context) ? -1e9 : 0)),
  })
  let h = g.node('Add', [g.node('Gather', [g.constant(weights.embedTokens), x]), g.constant(weights.embedPlaces)])
  for (let i = 0; i < layers; i++) {
    const w = (name: string): Values => weights[`${i}.${name}`]
    h = attend(g, h, w, mask)
    const wide = g.node('Gelu', [dense(g, norm(g, h, w('2g'), w('2b')), w('up'), w('upb'))], { approximate: 'tanh' })
    h = g.node('Add', [h, dense(g, wide, w('down'), w('downb'))])
  }
  return dense(g, norm(g, h, weights.g, weights.b), weights.head, weights.headb)
}

const rows: Contender['rows'] = {
  ...Object.fromEntries(
    Object.entries(products).map(([name, [m, k, n]]) => [name, () => of(random(1, [m, k]), (g, x) => g.node('MatMul', [x, g.constant(random(2, [k, n]))]))]),
  ),
  'GELU 1M': () => of(random(3, [1 << 20]), (g, x) => g.node('Gelu', [x], { approximate: 'tanh' })),
  'sum 4M': () => of(random(4, [1 << 22]), (g, x) => g.node('ReduceSum', [x], { keepdims: 1 })),
  'softmax 1024²': () => of(random(5, [1024, 1024]), (g, x) => g.node('Softmax', [x], { axis: -1 })),
  'layer norm 1024²': () => of(random(6, [1024, 1024]), (g, x) => norm(g, x, random(7, [1024]), random(8, [1024]))),
  'MLP forward': () => {
    const w = mlp.weights
    return of(mlp.x, (g, x) => dense(g, g.node('Relu', [dense(g, g.node('Relu', [dense(g, x, w.w1, w.b1)]), w.w2, w.b2)]), w.w3, w.b3))
  },
  'CNN forward': () => {
    const w = cnn.weights
    const block = (g: Graph, x: string, filters: Values, bias: Values): string => {
      const y = g.node('Conv', [x, g.constant(filters), g.constant(bias)], { pads: [1, 1, 1, 1], kernel_shape: [3, 3] })
      return g.node('MaxPool', [g.node('Relu', [y])], { kernel_shape: [2, 2], strides: [2, 2] })
    }
    return of(cnn.x, (g, x) => {
      const flat = g.node('Flatten', [block(g, block(g, x, w.w1, w.b1), w.w2, w.b2)], { axis: 1 })
      return dense(g, g.node('Relu', [dense(g, flat, w.w3, w.b3)]), w.w4, w.b4)
    })
  },
  'GPT forward': () => row(gpt.x, [gpt.batch, gpt.context], transformer),
}

enter(async ({ threads }) => {
  ort.env.wasm.numThreads = threads
  ort.env.wasm.wasmPaths = { mjs: new URL(module, location.href).href, wasm: new URL(wasm, location.href).href }
  return { rows, detail: 'wasm' }
})
