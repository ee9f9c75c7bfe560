// The classic script `lampas.lite.min.js`: what most training needs, for pages that count their bytes.
import { fail } from './core/errors.ts'
import './embedded.ts'

export * from './lite.ts'

/** Stands where the whole library has a namespace. */
const absent = (name: string): object =>
  new Proxy({}, {
    get: (_, key) => (typeof key === 'string' ? fail(`${name}.${key}`, 'it is not in lampas.lite.min.js', 'use lampas.min.js, which has everything') : undefined),
  })
export const [linalg, fft, special, symbolic, debug] = ['linalg', 'fft', 'special', 'symbolic', 'debug'].map(absent)
