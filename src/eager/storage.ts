// Memory without ceremony. A Storage counts the handles that show it; a Handle is one tensor's share. Handles go back when a scope
// ends, when backward() drops what it saved, on dispose(), or, at the latest, when the garbage collector finds the tensor.
import type { Backend, Block } from '../backend/backend.ts'
import { bytesOf, dtypes, type DType } from '../core/dtype.ts'
import { fail, LampasError, needFunction } from '../core/errors.ts'
import { contiguousView, type View } from '../core/view.ts'
import { numel } from '../core/shape.ts'
import { Tensor } from '../ops/tensor.ts'
import type { Source, World } from '../ops/world.ts'
import { giveBack, scopes, take } from './pressure.ts'

export class Storage implements Source {
  version = 0
  refs = 0
  /** What must hold before the values are read: a check of the compiled step that made them. */
  check: (() => Promise<void>) | null = null

  constructor(
    readonly world: World,
    readonly backend: Backend,
    readonly block: Block,
    /** Where it was made, when memory is being tracked. */
    readonly site: string | null,
  ) {
    counts.set(backend, (counts.get(backend) ?? 0) + 1)
    if (site !== null) sited.add(this)
  }

  retain(): void {
    this.refs++
  }

  /** Elements of a dtype that it has room for. */
  room(dtype: DType): number {
    return Math.floor(this.block.bytes / dtypes[dtype].bytes)
  }

  drop(): void {
    if (--this.refs > 0) return
    counts.set(this.backend, counts.get(this.backend)! - 1)
    if (this.site !== null) sited.delete(this)
    giveBack(this.backend, this.block)
  }
}

/** Reading the memories waits for one thing more. */
export function readAfter(made: readonly Storage[], late: Promise<unknown>): void {
  // Whoever reads hears of it.
  late.catch(() => {})
  for (const s of made) {
    const before = s.check
    s.check = async () => {
      await before?.()
      await late
    }
  }
}

/** How many memories some tensor shows, by device. */
export const counts = new Map<Backend, number>()
/** Those made while memory was being tracked. */
export const sited = new Set<Storage>()

/** One tensor's share of a storage. */
export class Handle {
  freed: string | null = null
  /** A scope returned the tensor while another, which runs beside it, has it in its list. */
  escaped = false
  /** The scope that is just ending returned the tensor. */
  kept = false
  /** Why the values must not be used although they are there. */
  poison: LampasError | null = null
  constructor(readonly storage: Storage) {
    storage.retain()
  }

  release(why: string): void {
    if (this.freed !== null) return
    const site = callSite()
    this.freed = site === null ? why : `${why} (${site})`
    this.storage.drop()
  }
}

const registry = new FinalizationRegistry<Handle>(handle => handle.release('its tensor was garbage'))

/**
 * Tensors that the registry does not know yet. To enter one costs microseconds, what it knows survives the quick collections of young objects,
 * and most tensors are freed soon, also in loops that await each result: so they wait for the next task, or until there are many or large ones.
 */
const young: Tensor[] = []
const [MANY, LARGE] = [1024, 2 ** 24]
let youngBytes = 0
let settling = false

/** Has the collector give the handle back when nobody did before. */
function guard(x: Tensor, { storage }: Handle): void {
  young.push(x)
  youngBytes += storage.block.bytes
  if (young.length >= MANY || youngBytes >= LARGE) return settle()
  if (settling) return
  settling = true
  setTimeout(() => {
    settling = false
    settle()
  }, 0)
}

function settle(): void {
  for (const x of young) {
    const handle = x.handle as Handle
    if (handle.freed === null) registry.register(x, handle)
  }
  young.length = youngBytes = 0
}

let trackSites = false
/**
 * Remember the lines that made and freed each tensor, for `memory().holders` and for messages about use after free. Costs some microseconds a tensor.
 * @example trackMemory(false)
 */
export function trackMemory(on: boolean): void {
  trackSites = on
}

/** The line of the caller outside Lampas. */
export function callSite(): string | null {
  if (!trackSites) return null
  const depth = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  const { stack } = new Error()
  Error.stackTraceLimit = depth
  return outsideLine(stack)
}

let places: { own: string; home: string } | null = null

/**
 * The file that this very function is in, which is all of Lampas where it is bundled, and the folder of all modules of Lampas where they lie
 * apart. Not before somebody asks: the engine parses a file once more to tell a place in it.
 */
function ownPlaces(): { own: string; home: string } {
  const own = /((?:\w+:\/)?\/[^\s()]+?):\d+:\d+/.exec(new Error().stack ?? '')?.[1] ?? 'no file'
  return { own, home: own.replace(/eager\/storage\.[jt]s.*/, '') }
}

/** The innermost line of a stack that is not of Lampas. Where the user's code is bundled into one file with it, only names of files tell. */
export function outsideLine(stack: string | undefined): string | null {
  const { own, home } = (places ??= ownPlaces())
  const others = stack?.split('\n').slice(1).filter(l => !/<anonymous>|lampas(\.min)?\.js/.test(l) && (home === own || !l.includes(home))) ?? []
  return (others.find(l => !l.includes(own)) ?? others[0])?.trim() ?? null
}

/** A tensor on a storage; scoped tensors are freed by the innermost scope, others by the collector at the latest. */
export function handleOn(storage: Storage, view: View, scoped = true): Tensor {
  const x = new Tensor(view, storage)
  const handle = new Handle(storage)
  x.handle = handle
  const scope = scoped ? scopes.at(-1) : undefined
  if (scope) scope.push(x)
  else guard(x, handle)
  return x
}

export function allocate(world: World, backend: Backend, dtype: DType, shape: readonly number[]): { storage: Storage; view: View } {
  const bytes = bytesOf(dtype, numel(shape))
  if (dtype === 'float64') needFloat64(backend)
  return { storage: new Storage(world, backend, take(backend, bytes), callSite()), view: contiguousView(dtype, shape) }
}

export function needFloat64(backend: Backend): void {
  if (!backend.hasFloat64) fail('alloc', `the device '${backend.info.name}' has no float64`, "use float32 here, or compute on 'wasm': device('wasm')")
}

/** The share of x, or an error that says when it was freed. */
export function storageOf(op: string, x: Tensor): Storage {
  const handle = x.handle
  if (!(handle instanceof Handle)) throw new LampasError(op, `${x} is a value of ${handle instanceof Tensor ? 'vmap' : 'a compiled step'} that is over`, 'return it from the compiled function to use it outside')
  if (handle.poison !== null) throw handle.poison
  if (handle.freed !== null) throw new LampasError(op, `${x} was used after it was freed: ${handle.freed}`, 'keep it out of the scope, or clone() what must live longer')
  return handle.storage
}

/** Frees what `body` makes, but for what `keep` names. Tensors kept move to the scope around, if any. */
export function inScope<T>(body: () => T, keep: (result: T) => Iterable<Tensor | null>, why: string): T {
  const scope: Tensor[] = []
  scopes.push(scope)
  let result: T
  try {
    result = body()
  } catch (error) {
    close(scope, [], why)
    throw error
  }
  if (result instanceof Promise) {
    return result.then(
      value => (close(scope, keep(value as T), why), value as unknown),
      (error: unknown) => {
        close(scope, [], why)
        throw error
      },
    ) as T
  }
  close(scope, keep(result), why)
  return result
}

function close(scope: Tensor[], result: Iterable<Tensor | null>, why: string): void {
  const at = scopes.lastIndexOf(scope)
  if (at >= 0) scopes.splice(at, 1)
  const outer = scopes.at(at - 1 >= 0 ? at - 1 : scopes.length)
  const kept: Handle[] = []
  for (let x of result) {
    // What a world inside of this one returned shows a tensor of this one.
    while (x?.handle instanceof Tensor) x = x.handle
    if (x?.handle instanceof Handle) kept.push(x.handle)
  }
  for (const handle of kept) {
    handle.kept = true
    // Younger scopes that are still open run beside this one, and may have what it made last in their lists.
    if (at < scopes.length) handle.escaped = true
  }
  for (const x of scope) {
    const handle = x.handle as Handle
    if (!handle.kept && !handle.escaped) handle.release(why)
    else if (handle.freed === null) {
      handle.escaped = false
      if (outer) outer.push(x)
      else guard(x, handle)
    }
  }
  for (const handle of kept) handle.kept = false
}

/** Every tensor in a value made of arrays, plain objects and tensors. */
export function tensorsIn(value: unknown, found: Tensor[] = []): Tensor[] {
  if (value instanceof Tensor) found.push(value)
  else if (Array.isArray(value)) for (const v of value) tensorsIn(v, found)
  else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) tensorsIn(Object.values(value), found)
  return found
}

/**
 * Runs `body` (which may be async) and frees every tensor made in it, except those it returns (alone, or in arrays and plain objects), those
 * that the tape still needs, and parameters' gradients. What is made while several async scopes are open belongs to the one opened last:
 * let one end before the next begins.
 *
 * @example
 * const mean = scope(() => rand(1000, 1000).mul(2).mean())
 * mean.shape // → []
 */
export function scope<T>(body: () => T): T {
  needFunction('scope', body)
  return inScope(body, result => tensorsIn(result), 'its scope ended')
}
