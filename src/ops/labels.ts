// Names that people know memory by: the path of a parameter in its model, the name of a shared variable. For pictures and saved functions.
import type { Tensor } from './tensor.ts'

const labels = new WeakMap<object, string>()

/** Names the memory of a tensor. A longer path, from a model further outside, takes the place of a shorter one. */
export function label(x: Tensor, name: string): void {
  if ((labels.get(x.source)?.length ?? 0) < name.length) labels.set(x.source, name)
}

export const labelOf = (memory: object): string | null => labels.get(memory) ?? null
