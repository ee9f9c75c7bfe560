// io: tensors in files. What is more than tensors by name (nesting, lists, numbers, words) stands as JSON in the metadata of the file.
import { LampasError, fail } from '../core/errors.ts'
import { isPlain } from '../graph/arguments.ts'
import { Tensor } from '../ops/index.ts'
import { decode, encode } from './safetensors.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The value as JSON. Tensors go to `found`, under the path that leads to them; what JSON has no word for becomes { $…: … }, what is undefined is left out. */
function toJson(v: unknown, path: readonly string[], found: Map<string, Tensor>): Json {
  if (v instanceof Tensor) {
    const name = path.join('.') || 'tensor'
    if (found.has(name)) fail('save', `two tensors would be called '${name}'`, 'dots separate the parts of a name: give keys without them')
    found.set(name, v)
    return { $tensor: name }
  }
  if (typeof v === 'number') return Number.isFinite(v) ? v : { $number: String(v) }
  if (v === null || typeof v === 'boolean' || typeof v === 'string') return v
  if (Array.isArray(v)) return v.map((x, i) => toJson(x, [...path, String(i)], found))
  if (isPlain(v)) return Object.fromEntries(Object.entries(v).filter(([, x]) => x !== undefined).map(([k, x]) => [k, toJson(x, [...path, k], found)]))
  const what = typeof v === 'object' ? `a ${v.constructor?.name ?? 'record without prototype'}` : `${typeof v}`
  throw new LampasError('save', `${path.length ? `'${path.join('.')}'` : 'the value'} is ${what}`, 'tensors, numbers, texts, booleans, null, lists and plain objects can be saved; of a model or an optimiser take stateDict()')
}

function fromJson(v: Json, tensors: ReadonlyMap<string, Tensor>): unknown {
  if (Array.isArray(v)) return v.map(x => fromJson(x, tensors))
  if (!isPlain(v)) return v
  if (typeof v.$tensor === 'string') return tensors.get(v.$tensor) ?? fail('load', `the tensor '${v.$tensor}' is missing`, 'the file was changed: save it again')
  if (typeof v.$number === 'string') return Number(v.$number)
  return Object.fromEntries(Object.entries(v as Record<string, Json>).map(([k, x]) => [k, fromJson(x, tensors)]))
}

/**
 * Tensors as the bytes of a safetensors file, which PyTorch's world reads: `safetensors.torch.load_file`. Best of `model.stateDict()`, whose names are
 * PyTorch's; anything of lists, plain objects and numbers around tensors is possible too, such as the states of a training.
 *
 * @example
 * const model = new nn.Linear(2, 1)
 * const bytes = await save({ model: model.stateDict(), epoch: 3 })
 * const { model: state, epoch } = load(bytes)
 * await model.loadStateDict(state)
 * epoch // → 3
 */
export async function save(value: object): Promise<Uint8Array<ArrayBuffer>> {
  const found = new Map<string, Tensor>()
  const tree = toJson(value, [], found)
  const flat = isPlain(value) && Object.values(value).every(x => x instanceof Tensor)
  return encode(found, { format: 'pt', ...(flat ? {} : { lampas: JSON.stringify(tree) }) })
}

/**
 * What `save` wrote down, with new tensors on the current device; of a safetensors file of another writer its tensors by name. 64-bit integers become
 * int32.
 *
 * @throws LampasError when the bytes are no such file.
 * @example
 * load(await save({ weight: ones(2, 2) })).weight.shape // → [ 2, 2 ]
 */
export function load<T = Record<string, Tensor>>(bytes: Uint8Array | ArrayBuffer): T {
  const { tensors, metadata } = decode(bytes)
  return (metadata.lampas === undefined ? Object.fromEntries(tensors) : fromJson(JSON.parse(metadata.lampas) as Json, tensors)) as T
}
