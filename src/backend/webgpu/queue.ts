// The command stream. Dispatches are recorded into one encoder and one pass and submitted together; their parameters lie in one
// uniform buffer, a slot each, written by one writeBuffer before the submission.
import { WORD, type Words } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import type { Progress } from '../backend.ts'
import { compileFault, type Faults } from './faults.ts'
import type { Gate } from './gates.ts'
import type { Store } from './pool.ts'
import { packFields, wordCount, type Job } from './wgsl.ts'

/** Uniform offsets must be multiples of this. */
const SLOT = 256
const RING = 256 * SLOT
const MAX_RECORDED = 96
const MAX_GROUPS = 4096

/** A dispatch with everything chosen: what a pass needs to be told. */
export interface Command {
  readonly pipeline: GPUComputePipeline
  readonly paramsGroup: GPUBindGroup
  readonly paramsOffset: number
  readonly group: GPUBindGroup
  /** What `group` binds. */
  readonly stores: readonly Store[]
  readonly groups: readonly [number, number, number]
  /** Says how many workgroups there are, in their place. */
  readonly gate?: Gate
}

export const slotBytes = (job: Job): number => Math.ceil((wordCount(job.fields) * 4) / SLOT) * SLOT

/** The parameters of a job as they lie in its slot. */
interface Packed {
  readonly bytes: number
  readonly words: Uint32Array
}

export function packed(job: Job): Packed {
  const words = new Uint32Array(wordCount(job.fields))
  packFields(job.fields, words, new Float32Array(words.buffer), 0)
  return { bytes: slotBytes(job), words }
}

/** A uniform buffer cut into slots, and its bind groups, one for each size of slot. */
export class Params {
  readonly buffer: GPUBuffer
  readonly #words: Uint32Array<ArrayBuffer>
  readonly #groups = new Map<number, GPUBindGroup>()
  #used = 0

  constructor(private readonly device: GPUDevice, private readonly layout: GPUBindGroupLayout, readonly size: number) {
    this.buffer = device.createBuffer({ size, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST })
    this.#words = new Uint32Array(size / 4)
  }

  /** Whether so many bytes still fit. */
  fits(bytes: number): boolean {
    return this.#used + bytes <= this.size
  }

  put({ bytes, words }: Packed): { group: GPUBindGroup; offset: number } {
    let group = this.#groups.get(bytes)
    if (!group) {
      group = this.device.createBindGroup({ layout: this.layout, entries: [{ binding: 0, resource: { buffer: this.buffer, size: bytes } }] })
      this.#groups.set(bytes, group)
    }
    const offset = this.#used
    this.#words.set(words, offset / 4)
    this.#used += bytes
    return { group, offset }
  }

  /** Sends all slots to the device and begins anew. */
  upload(): void {
    if (this.#used) this.device.queue.writeBuffer(this.buffer, 0, this.#words, 0, this.#used / 4)
    this.#used = 0
  }
}

export class Queue {
  readonly paramsLayout: GPUBindGroupLayout
  readonly #params: Params
  readonly #pipelines = new Map<string, GPUComputePipeline>()
  readonly #layouts: GPUBindGroupLayout[] = []
  readonly #groups = new Map<string, GPUBindGroup>()
  /** What jobs that came one by one need to be recorded again. */
  readonly #ready = new WeakMap<Job, Packed & { readonly pipeline: GPUComputePipeline }>()
  readonly #offset = new Uint32Array(1)
  #encoder: GPUCommandEncoder | null = null
  #pass: GPUComputePassEncoder | null = null
  #pipeline: GPUComputePipeline | null = null
  #recorded = 0
  #scheduled = false
  /** Number of the submission that is being recorded. */
  #serial = 0

  constructor(private readonly device: GPUDevice, private readonly faults: Faults) {
    this.paramsLayout = device.createBindGroupLayout({
      entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } }],
    })
    this.#params = new Params(device, this.paramsLayout, RING)
  }

  get shaderCount(): number {
    return this.#pipelines.size
  }

  /** Compiles a job's shader, unless one of the same key is there. */
  pipeline(job: Job): GPUComputePipeline {
    const known = this.#pipelines.get(job.key)
    if (known) return known
    const { descriptor, fault } = this.#describe(job)
    const pipeline = this.device.createComputePipeline(descriptor)
    this.faults.watch(this.device.popErrorScope().then(error => error && fault(error)))
    this.#pipelines.set(job.key, pipeline)
    return pipeline
  }

  /** Compiles the shaders of jobs side by side, those that are not there yet. */
  async warm(jobs: readonly Job[], progress: Progress = () => {}): Promise<void> {
    const fresh = [...new Map(jobs.map(job => [job.key, job])).values()].filter(job => !this.#pipelines.has(job.key))
    let done = 0
    progress(done, fresh.length)
    await Promise.all(fresh.map(async job => {
      const { descriptor, fault } = this.#describe(job)
      const compiled = this.device.createComputePipelineAsync(descriptor).catch(async (error: Error) => {
        throw await fault(error)
      })
      // What is wrong with a shader its pipeline says as well.
      const [pipeline] = await Promise.all([compiled, this.device.popErrorScope()])
      if (!this.#pipelines.has(job.key)) this.#pipelines.set(job.key, pipeline)
      progress(++done, fresh.length)
    }))
  }

  /** How a job's shader is compiled, and what is said when it cannot be. Opens an error scope, which the caller closes. */
  #describe(job: Job): { descriptor: GPUComputePipelineDescriptor; fault: (error: { readonly message: string }) => Promise<Error> } {
    const kind = job.key.split(' ', 1)[0]
    const allowed = this.device.limits.maxStorageBuffersPerShaderStage
    if (job.slots.length > allowed)
      fail(kind, `a kernel works on ${job.slots.length} tensors at once, this graphics adapter allows ${allowed}`, 'split the expression, or use the wasm device')
    const code = job.source()
    this.device.pushErrorScope('validation')
    const module = this.device.createShaderModule({ code, label: job.key })
    const layout = this.device.createPipelineLayout({ bindGroupLayouts: [this.paramsLayout, this.#layout(job.slots.length)] })
    return { descriptor: { label: job.key, layout, compute: { module, entryPoint: 'main' } }, fault: error => compileFault(kind, error, module, code) }
  }

  record(job: Job, stores: readonly Store[]): void {
    let known = this.#ready.get(job)
    if (!known) this.#ready.set(job, (known = { pipeline: this.pipeline(job), ...packed(job) }))
    const { pipeline } = known
    if (!this.#params.fits(known.bytes)) this.flush()
    const { group, offset } = this.#params.put(known)
    this.add({ pipeline, paramsGroup: group, paramsOffset: offset, group: this.group(stores), stores, groups: job.groups })
    if (this.#recorded >= MAX_RECORDED) this.flush()
  }

  add({ pipeline, paramsGroup, paramsOffset, group, stores, groups, gate }: Command): void {
    const pass = (this.#pass ??= this.#commands().beginComputePass())
    if (pipeline !== this.#pipeline) pass.setPipeline((this.#pipeline = pipeline))
    this.#offset[0] = paramsOffset
    pass.setBindGroup(0, paramsGroup, this.#offset, 0, 1)
    pass.setBindGroup(1, group)
    if (gate) pass.dispatchWorkgroupsIndirect(gate.buffer, gate.offset)
    else pass.dispatchWorkgroups(groups[0], groups[1], groups[2])
    for (const store of stores) store.usedAt = this.#serial
    this.#recorded++
  }

  /** What is added next runs in a pass of its own, which writes timestamps. */
  begin(timestampWrites: GPUComputePassTimestampWrites): void {
    this.#endPass()
    this.#pass = this.#commands().beginComputePass({ timestampWrites })
  }

  /** Copies bytes to a buffer for reading. */
  copy(from: Store, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): void {
    this.#endPass()
    this.#commands().copyBufferToBuffer(from.buffer, from.offset + fromOffset, to, toOffset, bytes)
  }

  /** Writes at once; recorded work that uses the buffer is submitted before. */
  write(store: Store, byteOffset: number, data: Words): void {
    if (store.usedAt === this.#serial || store.whole.usedAt === this.#serial) this.flush()
    let own = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    // Only whole words can be written, and Dawn for Node crashes on shared memory.
    if (own.length % WORD !== 0 || !(data.buffer instanceof ArrayBuffer)) {
      const words = new Uint8Array(Math.ceil(own.length / WORD) * WORD)
      words.set(own)
      own = words
    }
    this.device.queue.writeBuffer(store.buffer, store.offset + byteOffset, own as Uint8Array<ArrayBuffer>)
  }

  /** The bind group of these stores, in this order; layouts differ only in their number. */
  group(stores: readonly Store[]): GPUBindGroup {
    let key = ''
    for (const s of stores) key += `${s.id},`
    const known = this.#groups.get(key)
    if (known) return known
    if (this.#groups.size >= MAX_GROUPS) this.#groups.clear()
    const group = this.device.createBindGroup({
      layout: this.#layout(stores.length),
      entries: stores.map(({ buffer, offset, size }, binding) => ({ binding, resource: { buffer, offset, size } })),
    })
    this.#groups.set(key, group)
    return group
  }

  /** Submits what is recorded. */
  flush(): void {
    const encoder = this.#encoder
    if (!encoder) return
    this.#endPass()
    this.#params.upload()
    this.device.queue.submit([encoder.finish()])
    const refused = (error: GPUError): Error => new Error(`internal: the graphics queue refused work: ${error.message}. Please report this.`)
    this.faults.watch(this.device.popErrorScope().then(error => error && refused(error)))
    this.#encoder = null
    this.#recorded = 0
    this.#serial++
  }

  /** Bind groups keep their buffers; called when buffers are destroyed. */
  forgetGroups(): void {
    this.#groups.clear()
  }

  dispose(): void {
    this.#params.buffer.destroy()
    this.#groups.clear()
    this.#pipelines.clear()
    this.#encoder = null
    this.#pass = null
  }

  #commands(): GPUCommandEncoder {
    if (this.#encoder) return this.#encoder
    this.device.pushErrorScope('validation')
    if (!this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(() => {
        this.#scheduled = false
        this.flush()
      })
    }
    return (this.#encoder = this.device.createCommandEncoder())
  }

  #endPass(): void {
    this.#pass?.end()
    this.#pass = null
    this.#pipeline = null
  }

  #layout(bindings: number): GPUBindGroupLayout {
    return (this.#layouts[bindings] ??= this.device.createBindGroupLayout({
      entries: Array.from({ length: bindings }, (_, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type: 'storage' as const } })),
    }))
  }
}
