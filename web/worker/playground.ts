// The module `playground` that user code imports: the visitor's settings, the data sets that ship with the page, and ways to show
// what a model does. Everything that is shown is copied to the page, so tensors can be freed or changed right after the call.
import { noGrad, Tensor, tensor } from 'lampas'
import type { FromWorker, Settings } from '../shared/protocol.ts'
import type { Feed } from './feed.ts'

/** Numbers to show: a tensor, an array or a typed array. */
export type Numbers = Tensor | ArrayLike<number>

interface Host {
  readonly base: string
  readonly feed: Feed
  post(message: FromWorker, transfer?: Transferable[]): void
}

/** Ends the user's code after Stop. */
export class Stopped extends Error {
  override readonly name = 'Stopped'
}

type DrawHandler = (picture: Tensor) => Numbers | Promise<Numbers>

let host: Host
let stopping = false
let running = true
let drawHandler: DrawHandler | undefined
let drawing: Float32Array | undefined

/** What the controls say: `settings.device` is 'wasm' or 'webgpu', `settings.compile` is true or false. */
export const settings: { device: Settings['device']; compile: boolean } = { device: 'wasm', compile: true }

/** 1,797 handwritten digits of 8×8 grey values from 0 to 1, shuffled with a fixed seed: `{ train, test }`, each with `images` [n,1,8,8] and `labels` [n]. */
export async function digits(): Promise<{ train: LabelledImages; test: LabelledImages }> {
  const count = 1797
  const size = 64
  const bytes = new Uint8Array(await (await fetchData('digits.bin')).arrayBuffer())
  const order = shuffled(count, 7)
  const split = Math.round(count * 0.8)
  const part = (rows: number[]): LabelledImages => {
    const pixels = new Float32Array(rows.length * size)
    rows.forEach((row, i) => {
      for (let p = 0; p < size; p++) pixels[i * size + p] = bytes[row * size + p] / 16
    })
    const labels = Int32Array.from(rows, row => bytes[count * size + row])
    return { images: tensor(pixels, { shape: [rows.length, 1, 8, 8] }), labels: tensor(labels), count: rows.length }
  }
  return { train: part(order.slice(0, split)), test: part(order.slice(split)) }
}

export interface LabelledImages {
  readonly images: Tensor
  readonly labels: Tensor
  readonly count: number
}

/** 8,402 first names in lower case, in alphabetical order. */
export async function names(): Promise<string[]> {
  return (await (await fetchData('names.json')).json()) as string[]
}

/** Tells the page how training goes: `report({ step, steps, loss, accuracy })`. `steps` and `accuracy` (0 to 1) may be left out. */
export function report(progress: { step: number; loss: number; steps?: number; accuracy?: number }): void {
  if (stopping) throw new Stopped()
  host.feed.report(progress.step, progress.loss, progress.steps ?? NaN, progress.accuracy ?? NaN)
}

/** Adds a point to a chart of its own: `plot('learning rate', step, opt.lr)`, or to two curves of it: `plot('loss', step, { train, test })`. */
export function plot(name: string, step: number, value: number | Readonly<Record<string, number>>): void {
  host.feed.plot(name, step, typeof value === 'number' ? { '': value } : value)
}

/** Lets Stop, drawings and the page's messages through. Await it once a step; it costs a few microseconds. */
export async function pause(): Promise<void> {
  await nextTurn()
  if (stopping) throw new Stopped()
  await answerDrawing()
}

/** Shows pictures with what the model takes them for: `images` [n,1,h,h], the true `labels` [n], and `probs` [n,classes]. */
export async function showPredictions(images: Numbers, labels: Numbers, probs: Numbers): Promise<void> {
  const [pixels, truth, p] = await Promise.all([floats(images), floats(labels), floats(probs)])
  const classes = p.length / truth.length
  const rows = Array.from(truth, (_, i) => p.subarray(i * classes, (i + 1) * classes))
  const guesses = rows.map(argmax)
  host.post(
    {
      type: 'predictions',
      pictures: { size: Math.round(Math.sqrt(pixels.length / truth.length)), pixels, labels: Array.from(truth), guesses, confidence: rows.map((r, i) => r[guesses[i]]) },
    },
    [pixels.buffer],
  )
}

/**
 * Draws what a classifier of points in the plane thinks everywhere: `fn` gets a tensor of points [n,2] and returns their class
 * probabilities [n,classes]. The points to draw on top are `points` [n,2] with `labels` [n].
 */
export async function showBoundary(fn: (xy: Tensor) => Tensor, on: { points: Numbers; labels: Numbers }): Promise<void> {
  const side = 48
  const [points, labels] = await Promise.all([floats(on.points), floats(on.labels)])
  const extent = 1.1 * points.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
  const at = (i: number) => ((i + 0.5) / side) * 2 * extent - extent
  const xy = new Float32Array(side * side * 2)
  for (let r = 0; r < side; r++)
    for (let c = 0; c < side; c++) {
      xy[(r * side + c) * 2] = at(c)
      xy[(r * side + c) * 2 + 1] = -at(r)
    }
  const probs = await evaluate(fn, tensor(xy, { shape: [side * side, 2] }))
  const classes = probs.length / (side * side)
  host.post({ type: 'boundary', boundary: { side, extent, classes, probs, points, labels: Array.from(labels) } }, [probs.buffer, points.buffer])
}

/** Draws points and the curve of a model of one variable over them: `fn` gets a tensor [n,1] and returns one of n values. */
export async function showFit(fn: (x: Tensor) => Tensor, on: { x: Numbers; y: Numbers }): Promise<void> {
  const [x, y] = await Promise.all([floats(on.x), floats(on.y)])
  const lo = x.reduce((m, v) => Math.min(m, v), Infinity)
  const hi = x.reduce((m, v) => Math.max(m, v), -Infinity)
  const count = 64
  const lineX = Float32Array.from({ length: count }, (_, i) => lo + ((hi - lo) * i) / (count - 1))
  const lineY = await evaluate(fn, tensor(lineX, { shape: [count, 1] }))
  host.post({ type: 'fit', fit: { x, y, lineX, lineY } })
}

/** Shows lines of text, such as what a language model writes. */
export function showText(lines: readonly string[]): void {
  host.post({ type: 'text', lines: lines.map(String) })
}

/** `fn` gets each picture that the visitor draws, a tensor [1,1,8,8] with values from 0 to 1, and returns class probabilities. */
export function onDraw(fn: DrawHandler): void {
  drawHandler = fn
  host.post({ type: 'drawable', size: 8 })
}

async function evaluate(fn: (x: Tensor) => Tensor, input: Tensor): Promise<Float32Array> {
  const output = noGrad(() => fn(input))
  const values = await floats(output)
  output.dispose()
  input.dispose()
  return values
}

/** A copy that is ours to send. */
async function floats(v: Numbers): Promise<Float32Array<ArrayBuffer>> {
  return Float32Array.from(v instanceof Tensor ? await v.data() : v)
}

const argmax = (row: Float32Array): number => row.reduce((best, v, i) => (v > row[best] ? i : best), 0)

async function fetchData(file: string): Promise<Response> {
  const response = await fetch(new URL(file, host.base))
  if (!response.ok) throw new Error(`${file} could not be loaded: the server says ${response.status} ${response.statusText}`)
  return response
}

/** The numbers 0 … n-1 in an order that depends on the seed alone (Fisher and Yates, with the generator of Steele and Vigna's splitmix). */
function shuffled(n: number, seed: number): number[] {
  let state = seed
  const random = () => {
    state = (state + 0x9e3779b9) | 0
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32
  }
  const order = Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

const turns: (() => void)[] = []
const channel = new MessageChannel()
channel.port1.onmessage = () => turns.shift()?.()

/** The next task of the event loop: a message to ourselves, since timers are held back when they are nested. */
const nextTurn = (): Promise<void> =>
  new Promise(resolve => {
    turns.push(resolve)
    channel.port2.postMessage(null)
  })

/** The worker's side of this module; user code does not see it. */
export const control = {
  start(newHost: Host, choice: Settings): void {
    host = newHost
    Object.assign(settings, choice)
  },
  stop(): void {
    stopping = true
  },
  /** The code has ended: drawings are answered as they come. */
  async end(): Promise<void> {
    running = false
    await answerDrawing()
  },
  async draw(pixels: Float32Array): Promise<void> {
    drawing = pixels
    if (!running) await answerDrawing()
  },
}

async function answerDrawing(): Promise<void> {
  if (!drawing || !drawHandler) return
  const picture = tensor(drawing, { shape: [1, 1, 8, 8] })
  drawing = undefined
  const handler = drawHandler
  const probs = await floats(await noGrad(() => handler(picture)))
  picture.dispose()
  host.post({ type: 'guess', probs: Array.from(probs) })
}
