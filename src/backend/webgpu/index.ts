// The webgpu backend: kernels are printed as WGSL, recorded in order and submitted together. Runs in pages, workers and, through
// Dawn, in Node.
import { dtypes, type Words } from '../../core/dtype.ts'
import { fail, internal, LampasError } from '../../core/errors.ts'
import { extent, type View } from '../../core/view.ts'
import type { Kernel } from '../../ir/kernel.ts'
import { innerOf } from '../../ir/when.ts'
import type { Backend, BackendMemory, Block, DeviceInfo, Launch, Prepared, TimedPrepared } from '../backend.ts'
import { Faults, lostError, recordedFault, Suspects } from './faults.ts'
import { fuses } from './fuses.ts'
import { conditionOf, gateJob, Gates, sameCondition } from './gates.ts'
import { mayFail } from '../failures.ts'
import { loadLowerings } from '../late.ts'
import { lower } from './lower.ts'
import { GpuBlock, Pool, sizeClass, storeOf, wholeStore, type Store } from './pool.ts'
import { packed, Params, Queue, slotBytes, type Command } from './queue.ts'
import { timed } from './timing.ts'
import type { Tuner } from './tuner.ts'
import { FAULTS, type Job, type Target, type Work } from './wgsl.ts'

export interface WebGPUOptions {
  /** The entry to WebGPU; `navigator.gpu` when left out. In Node: `create([])` of the package `webgpu`. */
  readonly gpu?: Pick<GPU, 'requestAdapter'> & Partial<Pick<GPU, 'wgslLanguageFeatures'>>
  readonly powerPreference?: GPUPowerPreference
  /** Which shaders to use; chosen by the adapter when left out. `shared` suits graphics hardware, `register` adapters that run on a CPU. */
  readonly family?: Target['family']
  /** Whether threads may hand each other what they read; where subgroups are four threads, when left out. */
  readonly quads?: boolean
  /** Whether workgroups reduce by subgroups; where the adapter and the language have them, when left out. */
  readonly subgroups?: boolean
  /** Whether shaders read and write 16-bit floats as such; where the adapter has them, when left out. Else they are cut out of words. */
  readonly halves?: boolean
  /** Whether `warm` of a prepared list measures which tiles suit its products, and answers of earlier visits hold. */
  readonly tune?: boolean
}

export interface WebGPUBackend extends Backend {
  /** The adapter is software on the CPU: right, but far slower than the wasm backend. */
  readonly isFallback: boolean
  /** Distinct shaders built so far. */
  readonly shaderCount: number
  /** Distinct blocks that one kernel may work on at most. */
  readonly maxBlocks: number
}

/** Bytes of the fault record: four words. */
const FAULT_BYTES = 16
/** Buffers for reading that are larger than this are not kept. */
const LARGE_STAGING = 2 ** 22
const NO_FAULT = new Int32Array(FAULT_BYTES / 4)

/** Limits that are asked for in full; a device gets modest defaults otherwise. */
const wanted = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize'] as const

interface Step {
  readonly command: Command
  readonly blocks: readonly Block[]
  readonly launch: number
}
/** The launch of a step that opens or closes those of a branch. */
const GATE = -1

class WebGPU implements WebGPUBackend {
  readonly lost: Promise<string>
  readonly hasFloat64 = false
  readonly info: DeviceInfo
  readonly prepareTimed?: (launches: readonly Launch[]) => TimedPrepared
  readonly #faults = new Faults()
  #suspects = new Suspects()
  readonly #queue: Queue
  readonly #pool: Pool
  readonly #record: Store
  readonly #staging = new Map<number, GPUBuffer[]>()
  readonly #target: Target
  #lowered = new WeakMap<Kernel, Known>()
  /** Why the device cannot be used any more. */
  #dead: Error | null = null
  readonly #death: Promise<never>

  constructor(private readonly device: GPUDevice, adapterName: string, readonly isFallback: boolean, target: Target, private readonly tuner: Tuner | null) {
    this.info = { name: 'webgpu', detail: adapterName, threads: 1, why: '' }
    this.#target = target
    this.#queue = new Queue(device, this.#faults)
    if (device.features.has(TIMES)) this.prepareTimed = launches => timed(device, this.#queue, launches.map(l => this.prepare([l])))
    this.#pool = new Pool(
      device,
      () => {
        this.#queue.flush()
        this.#queue.forgetGroups()
      },
      (created, bytes) => this.#faults.watch(created.then(done => (done ? null : this.#outOfMemory(bytes)))),
    )
    const buffer = device.createBuffer({ size: FAULT_BYTES, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
    this.#record = wholeStore(buffer, -1)
    device.addEventListener('uncapturederror', event => {
      event.preventDefault()
      this.#faults.report(new Error(`internal: the graphics device reports: ${event.error.message}. Please report this.`))
    })
    const gone = device.lost.then(({ message, reason }) => message || reason)
    this.lost = new Promise(resolve => {
      void gone.then(why => {
        if (this.#dead) return
        this.#dead = lostError(why)
        resolve(why)
      })
    })
    this.#death = gone.then(() => {
      throw this.#dead
    })
    // A loss is told by `lost` and by whatever is asked next; nobody need wait on this.
    this.#death.catch(() => {})
  }

  get shaderCount(): number {
    return this.#queue.shaderCount
  }

  get maxBlocks(): number {
    return this.device.limits.maxStorageBuffersPerShaderStage
  }

  fuses(kernel: Kernel, blocks: number): boolean {
    return fuses(kernel, blocks, this.maxBlocks, this.#target)
  }

  alloc(bytes: number): Block {
    this.#alive()
    return this.#pool.alloc(bytes)
  }

  /** Some buffer is needed to make bind groups; no shader sees it. */
  standIn(bytes: number): Block {
    return new GpuBlock(bytes, this.#record)
  }

  free(block: Block): void {
    if (!this.#dead) this.#pool.free(block)
  }

  write(block: Block, byteOffset: number, data: Words): void {
    this.#alive()
    if (byteOffset + data.byteLength > block.bytes) internal(`${data.byteLength} bytes written at ${byteOffset} of a block of ${block.bytes}`)
    if (data.length) this.#queue.write(storeOf(block), byteOffset, data)
  }

  async read(block: Block, byteOffset: number, byteLength: number): Promise<ArrayBuffer> {
    this.#alive()
    const ticket = this.#faults.ticket()
    const suspects = this.#suspects
    this.#suspects = new Suspects()
    const bytes = FAULT_BYTES + byteLength
    const size = sizeClass(bytes)
    const staging = this.#staging.get(size)?.pop() ?? this.device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    this.#queue.copy(this.#record, 0, staging, 0, FAULT_BYTES)
    if (byteLength) this.#queue.copy(storeOf(block), byteOffset, staging, FAULT_BYTES, byteLength)
    this.#queue.flush()
    let fault: Int32Array
    let words: ArrayBuffer
    try {
      await staging.mapAsync(GPUMapMode.READ, 0, bytes)
      fault = new Int32Array(staging.getMappedRange(0, FAULT_BYTES).slice(0))
      words = byteLength ? staging.getMappedRange(FAULT_BYTES, byteLength).slice(0) : new ArrayBuffer(0)
      staging.unmap()
    } catch (error) {
      staging.destroy()
      // Mapping fails when the device is lost; the news of that may come later.
      await Promise.race([this.#death, new Promise(resolve => setTimeout(resolve, 1000))])
      await this.#faults.settle(ticket)
      throw error
    }
    this.#keepStaging(staging)
    const index = recordedFault(fault, suspects)
    if (index) {
      this.#queue.write(this.#record, 0, NO_FAULT)
      this.#faults.report(index, ticket)
    }
    await this.#faults.settle(ticket)
    return words
  }

  async sync(): Promise<void> {
    await this.read(NOTHING, 0, 0)
  }

  run(kernel: Kernel, blocks: readonly Block[]): void {
    this.#alive()
    this.#suspects.note(kernel, false)
    const { work, distinct } = this.#lower(kernel, blocks)
    const scratch = work.scratch.map(bytes => this.#pool.alloc(bytes))
    const all = [...distinct, ...scratch]
    for (const job of work.jobs) this.#queue.record(job, this.#stores(job, all))
    for (const block of scratch) this.#pool.free(block)
  }

  prepare(launches: readonly Launch[]): Prepared {
    const tuner = this.tuner
    if (!tuner) return this.#prepare(launches)
    let inner = this.#prepare(launches)
    return {
      run: swap => inner.run(swap),
      warm: async progress => {
        this.#alive()
        if (await tuner.measure(launches.map(l => innerOf(l.kernel)), this.#target, (kernel, work, times) => this.#race(kernel, work, times))) {
          this.#lowered = new WeakMap()
          inner.dispose()
          inner = this.#prepare(launches)
        }
        await inner.warm?.(progress)
      },
      dispose: () => inner.dispose(),
    }
  }

  /** How long work takes, so many times, on memory of its own. */
  async #race(kernel: Kernel, work: Work, times: number): Promise<number> {
    const blocks = [...[...kernel.inputs, ...kernel.outputs].map(v => spanOf(kernel, v)), ...work.scratch].map(bytes => this.#pool.alloc(bytes))
    await this.sync()
    const start = performance.now()
    for (let k = 0; k < times; k++) for (const job of work.jobs) this.#queue.record(job, this.#stores(job, blocks))
    await this.sync()
    const ms = performance.now() - start
    for (const block of blocks) this.#pool.free(block)
    return ms
  }

  #prepare(launches: readonly Launch[]): Prepared {
    this.#alive()
    const lowered = launches.map(({ kernel, blocks }) => this.#lower(innerOf(kernel), kernel.kind === 'when' ? blocks.slice(1) : blocks))
    // Launches follow one another, so they can share scratch: the first of each uses the first block, and so on.
    const sizes: number[] = []
    for (const { work } of lowered) work.scratch.forEach((bytes, k) => (sizes[k] = Math.max(sizes[k] ?? 0, bytes)))
    const scratch = sizes.map(bytes => this.#pool.alloc(bytes))
    const conditions = launches.map(conditionOf)
    const gates = new Gates(this.device)
    const jobs: { readonly job: Job; readonly launch: number; readonly all: readonly Block[]; readonly gate: number | null }[] = []
    lowered.forEach(({ work, distinct }, launch) => {
      const when = conditions[launch]
      if (when && !sameCondition(when, conditions[launch - 1])) {
        const end = conditions.findIndex((c, k) => k > launch && !sameCondition(c, when))
        const count = lowered.slice(launch, end < 0 ? launches.length : end).reduce((n, l) => n + l.work.jobs.length, 0)
        if (count > 0) jobs.push({ job: gateJob(when.offset, gates.size, count), launch: GATE, all: [when.block], gate: null })
      }
      for (const job of work.jobs) jobs.push({ job, launch, all: [...distinct, ...scratch], gate: when && gates.put(job.groups) })
    })
    const params = new Params(this.device, this.#queue.paramsLayout, Math.max(jobs.reduce((n, { job }) => n + slotBytes(job), 0), 256))
    const make = (): readonly Step[] => {
      const steps = jobs.map(({ job, launch, all, gate }): Step => {
        const { group, offset } = params.put(packed(job))
        const stores = launch === GATE ? [storeOf(all[0]), ...gates.stores] : this.#stores(job, all)
        return {
          command: {
            pipeline: this.#queue.pipeline(job), paramsGroup: group, paramsOffset: offset,
            group: this.#queue.group(stores), stores, groups: job.groups, gate: gate === null ? undefined : gates.at(gate),
          },
          blocks: launch === GATE ? all : job.slots.filter(s => s >= 0).map(s => all[s]),
          launch,
        }
      })
      params.upload()
      return steps
    }
    // Shaders are compiled one by one in the first run, if not side by side before it.
    let steps: readonly Step[] | null = null
    const unsure = launches.map(l => l.kernel).filter(mayFail)
    return {
      run: swap => {
        this.#alive()
        for (const kernel of unsure) this.#suspects.note(kernel, true)
        steps ??= make()
        if (swap?.size) this.#runSwapped(launches, lowered, steps, swap)
        else for (const { command } of steps) this.#queue.add(command)
        this.#queue.flush()
      },
      warm: async progress => {
        this.#alive()
        await this.#queue.warm(jobs.map(j => j.job), progress)
      },
      dispose: () => {
        if (this.#dead) return
        this.#queue.flush()
        params.buffer.destroy()
        gates.dispose()
        for (const block of scratch) this.#pool.free(block)
      },
    }
  }

  memory(): BackendMemory {
    return this.#pool.memory()
  }

  dispose(): void {
    if (this.#dead) return
    this.#dead = new Error('the webgpu device was disposed; open it again with init()')
    this.#queue.dispose()
    this.#pool.dispose()
    for (const list of this.#staging.values()) for (const buffer of list) buffer.destroy()
    this.#staging.clear()
    this.#record.buffer.destroy()
    this.device.destroy()
  }

  #runSwapped(launches: readonly Launch[], lowered: readonly Lowered[], steps: readonly Step[], swap: ReadonlyMap<Block, Block>): void {
    const renamed = (b: Block): Block => swap.get(b) ?? b
    let direct = -1
    for (const { command, blocks, launch } of steps) {
      if (launch === direct && launch !== GATE) continue
      const distinct = launch === GATE ? blocks : lowered[launch].distinct
      if (distinct.some(b => swap.has(b)) && (new Set(distinct.map(renamed)).size < distinct.length || this.#moves(launches[launch], swap))) {
        // Blocks that were distinct have become one, which asks for another shader, or lie elsewhere than a table says.
        direct = launch
        const { kernel, blocks: all } = launches[launch]
        if (kernel.kind !== 'when') this.run(kernel, all.map(renamed))
        else this.#runOnce({ kernel, blocks: all.map(renamed) })
      } else if (!blocks.some(b => swap.has(b))) this.#queue.add(command)
      else {
        const own = blocks.map(b => storeOf(renamed(b)))
        const stores = [...own, ...command.stores.slice(own.length)]
        this.#queue.add({ ...command, group: this.#queue.group(stores), stores })
      }
    }
  }

  /** Whether the work of a launch knows where a block lies that is swapped; of stand-ins it does not. */
  #moves(launch: Launch | undefined, swap: ReadonlyMap<Block, Block>): boolean {
    return !!launch && innerOf(launch.kernel).kind === 'batch' && launch.blocks.some(b => swap.has(b) && storeOf(b) !== this.#record)
  }

  #runOnce(launch: Launch): void {
    const prepared = this.prepare([launch])
    prepared.run()
    prepared.dispose()
  }

  #keepStaging(buffer: GPUBuffer): void {
    const list = this.#staging.get(buffer.size)
    if (buffer.size > LARGE_STAGING) buffer.destroy()
    else if (list) list.push(buffer)
    else this.#staging.set(buffer.size, [buffer])
  }

  /** What a kernel becomes. Eager loops hand in the same kernel again and again, mostly with its blocks in the same places. */
  #lower(kernel: Kernel, blocks: readonly Block[]): Lowered {
    const distinct: Block[] = []
    const slots = blocks.map(block => {
      const at = distinct.indexOf(block)
      return at >= 0 ? at : distinct.push(block) - 1
    })
    let known = this.#lowered.get(kernel)
    const stores = kernel.kind === 'batch' ? distinct.map(storeOf) : NOWHERE
    if (!known || known.slots.length !== slots.length || slots.some((s, k) => s !== known!.slots[k]) || stores.some((s, k) => s !== known!.stores[k])) {
      if (blocks.length !== kernel.inputs.length + kernel.outputs.length) internal(`${kernel.kind} got ${blocks.length} blocks`)
      const places = stores.map(s => (s === this.#record ? null : { buffer: s.whole.id, offset: s.offset }))
      known = { slots, stores, spans: [...kernel.inputs, ...kernel.outputs].map(v => spanOf(kernel, v)), work: lower(kernel, slots, this.#target, places) }
      this.#lowered.set(kernel, known)
    }
    const { spans, work } = known
    // Shaders clamp addresses without a word, so a view that leaves its block must be caught here.
    for (let k = 0; k < spans.length; k++) if (spans[k] > blocks[k].bytes) internal(`a view of ${kernel.kind} reaches byte ${spans[k]} of a block of ${blocks[k].bytes}`)
    return { work, distinct }
  }

  #stores({ slots, whole }: Job, blocks: readonly Block[]): Store[] {
    return slots.map(s => (s === FAULTS ? this.#record : whole ? storeOf(blocks[s]).whole : storeOf(blocks[s])))
  }

  #alive(): void {
    if (this.#dead) throw this.#dead
  }

  #outOfMemory(bytes: number): Error {
    const { held } = this.#pool.memory()
    // What lies idle may be enough for the next.
    this.#pool.trim()
    return new LampasError('alloc', `the graphics device has no ${bytes} bytes left; ${held} are held`, 'dispose tensors, use scope() or smaller batches')
  }
}

/** What profiles need; not every adapter has it. */
const TIMES: GPUFeatureName = 'timestamp-query'
/** What hands values from thread to thread. */
const SUBGROUPS: GPUFeatureName = 'subgroups'
/** 16-bit floats. */
const HALVES: GPUFeatureName = 'shader-f16'

/** A kernel that was lowered: the places of its blocks, and the bytes that each must have. */
interface Known {
  readonly slots: readonly number[]
  /** Where these lie, of kernels whose work depends on it. */
  readonly stores: readonly Store[]
  readonly spans: readonly number[]
  readonly work: Work
}

function spanOf(kernel: Kernel, view: View): number {
  const span = extent(view)
  if (span && span[0] < 0) internal(`a view of ${kernel.kind} reaches element ${span[0]}`)
  return span ? (span[1] + 1) * dtypes[view.dtype].bytes : 0
}

interface Lowered {
  readonly work: Work
  /** The blocks of a kernel without repeats, by slot. */
  readonly distinct: readonly Block[]
}

const NOTHING: Block = { bytes: 0 }
const NOWHERE: readonly Store[] = []

/** Opens the graphics device. Throws a LampasError with the plain reason when there is none. */
export async function openWebGPU(options: WebGPUOptions = {}): Promise<WebGPUBackend> {
  const { gpu = globalThis.navigator?.gpu, powerPreference = 'high-performance' } = options
  if (!gpu) fail('webgpu', 'navigator.gpu is missing', 'use a browser with WebGPU, on a page from https or localhost')
  const adapter = await gpu.requestAdapter({ powerPreference })
  if (!adapter) return fail('webgpu', 'there is WebGPU but no graphics adapter for it', 'hardware acceleration may be switched off, or the driver blocked; see chrome://gpu')
  const { vendor, architecture, device: model, description, isFallbackAdapter, subgroupMinSize, subgroupMaxSize } = adapter.info
  const { family = isFallbackAdapter ? 'register' : 'shared' } = options
  const quads = (options.quads ?? true) && family === 'register' && adapter.features.has(SUBGROUPS) && subgroupMinSize === 4 && subgroupMaxSize === 4
  const subgroups = (options.subgroups ?? true) && family === 'shared' && adapter.features.has(SUBGROUPS) && !!gpu.wgslLanguageFeatures?.has('subgroup_id')
  const halves = (options.halves ?? true) && adapter.features.has(HALVES)
  const features: GPUFeatureName[] = [...(adapter.features.has(TIMES) ? [TIMES] : []), ...(quads || subgroups ? [SUBGROUPS] : []), ...(halves ? [HALVES] : [])]
  const name = description || [vendor, architecture, model].filter(Boolean).join(' ') || 'unnamed adapter'
  const device = await adapter
    .requestDevice({ requiredFeatures: features, requiredLimits: Object.fromEntries(wanted.map(limit => [limit, adapter.limits[limit]])) })
    .catch((error: Error) => fail('webgpu', `the graphics adapter ${name} gave no device: ${error.message}`, 'close other pages that use the GPU, and try again'))
  await loadLowerings()
  const tuner = options.tune ? await (await import('./tuner.ts')).Tuner.open([vendor, architecture, model, description, family, quads].join()) : null
  return new WebGPU(device, name, isFallbackAdapter, { family, quads, subgroups, halves, pick: tuner?.pick }, tuner)
}
