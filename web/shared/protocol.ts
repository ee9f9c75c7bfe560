// What the page and its worker say to each other. The worker owns the runtime and the user's code; the page only draws.
import type { FunctionEntry, Insight, Rewriting } from './graph.ts'

export type DeviceName = 'wasm' | 'webgpu'

/** A device as the runtime lists it. */
export interface DeviceChoice {
  readonly name: string
  readonly available: boolean
  /** Why it is not available, or what to know about it. */
  readonly why: string
}

/** The device that the user's code opened. */
export interface OpenDevice {
  readonly name: string
  readonly detail: string
  readonly threads: number
  readonly why: string
}

/** What the controls say; the user's code reads it as `settings`. */
export interface Settings {
  readonly device: DeviceName
  readonly compile: boolean
}

/** One import of the user's code: the place of its specifier between the quotes. */
export interface ImportSite {
  readonly start: number
  readonly end: number
  readonly specifier: string
}

export interface RunRequest {
  readonly type: 'run'
  readonly code: string
  readonly imports: readonly ImportSite[]
  readonly settings: Settings
  /** Where the data files lie. */
  readonly base: string
  /** Whether kernels are run and timed one by one. */
  readonly times: boolean
}

export type ToWorker =
  | RunRequest
  /** Which devices are there? Asked before the first run, since it opens and closes them. */
  | { readonly type: 'probe' }
  | { readonly type: 'stop' }
  | { readonly type: 'draw'; readonly pixels: Float32Array }
  /** Which functions have been compiled? */
  | { readonly type: 'functions' }
  | { readonly type: 'inspect'; readonly id: number }
  /** Asks for the graph before and after some rewrites. */
  | { readonly type: 'rewriting'; readonly id: number; readonly from: number; readonly to: number }

/** Names that completion offers, read from the running library. */
export interface ApiNames {
  /** What each module exports. */
  readonly modules: Readonly<Record<string, readonly ApiName[]>>
  /** Members of namespaces, filed under their path (`nn.functional`), and of instances, under the class name and `#` (`Tensor#`). */
  readonly members: Readonly<Record<string, readonly ApiName[]>>
}

export interface ApiName {
  readonly name: string
  readonly kind: 'function' | 'class' | 'namespace' | 'method' | 'property' | 'constant'
  /** Parameters as one would write them: `(dim, { keepdim })`; empty when unknown. */
  readonly params: string
}

export interface Progress {
  /** The reports since the last message, in order. */
  readonly step: readonly number[]
  readonly loss: readonly number[]
  /** The newest values; a number that was never reported is NaN. */
  readonly steps: number
  readonly accuracy: number
  readonly rate: number
}

export interface Failure {
  readonly name: string
  readonly message: string
  /** Place in the user's code, counted from 1; 0 when unknown. */
  readonly line: number
  readonly column: number
}

export interface LogLine {
  readonly level: 'log' | 'info' | 'warn' | 'error' | 'debug'
  readonly text: string
}

export type Outcome = 'done' | 'stopped' | 'failed' | 'lost'

export interface Memory {
  /** Bytes in tensors and plans. */
  readonly held: number
  /** Bytes taken from the system. */
  readonly reserved: number
}

export type FromWorker =
  | { readonly type: 'ready'; readonly api: ApiNames }
  | { readonly type: 'devices'; readonly devices: readonly DeviceChoice[] }
  | { readonly type: 'device'; readonly device: OpenDevice }
  | { readonly type: 'progress'; readonly progress: Progress }
  /** `lines` are the names of the curves, `values` those of each curve. One curve may be without a name. */
  | { readonly type: 'plot'; readonly name: string; readonly step: readonly number[]; readonly lines: readonly string[]; readonly values: readonly (readonly number[])[] }
  | { readonly type: 'memory'; readonly memory: Memory }
  | { readonly type: 'predictions'; readonly pictures: Pictures }
  | { readonly type: 'boundary'; readonly boundary: Boundary }
  | { readonly type: 'fit'; readonly fit: Fit }
  | { readonly type: 'text'; readonly lines: readonly string[] }
  | { readonly type: 'drawable'; readonly size: number }
  | { readonly type: 'guess'; readonly probs: readonly number[] }
  | { readonly type: 'functions'; readonly functions: readonly FunctionEntry[] }
  | { readonly type: 'insight'; readonly insight: Insight }
  | { readonly type: 'rewriting'; readonly rewriting: Rewriting }
  | { readonly type: 'console'; readonly lines: readonly LogLine[]; readonly dropped: number }
  | { readonly type: 'failure'; readonly failure: Failure }
  | { readonly type: 'finished'; readonly outcome: Outcome; readonly reason: string }

export interface Pictures {
  readonly size: number
  /** `size`² grey values of 0 to 1 a picture. */
  readonly pixels: Float32Array
  readonly labels: readonly number[]
  readonly guesses: readonly number[]
  readonly confidence: readonly number[]
}

export interface Boundary {
  /** The grid has `side`² cells over the square [-extent, extent]², row by row from the top. */
  readonly side: number
  readonly extent: number
  readonly classes: number
  readonly probs: Float32Array
  readonly points: Float32Array
  readonly labels: readonly number[]
}

export interface Fit {
  readonly x: Float32Array
  readonly y: Float32Array
  readonly lineX: Float32Array
  readonly lineY: Float32Array
}
