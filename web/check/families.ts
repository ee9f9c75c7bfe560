// The families of calls: their names for people, and where their files lie.
import { groups } from '../../test/golden/groups.ts'
import type { Family } from './protocol.ts'

const files = import.meta.glob<string>('../../test/golden/*.{json,bin}', { query: '?url', import: 'default', eager: true })

const address = (file: string): string => new URL(files[`../../test/golden/${file}`], document.baseURI).href

export const families: readonly Family[] = [
  ...groups.map(name => ({ name, manifest: address(`${name}.json`), numbers: address(`${name}.bin`) })),
  { name: 'programs', manifest: address('programs.json'), numbers: address('programs.bin') },
  { name: 'errors', manifest: address('errors.json'), numbers: null },
]

export const titles: Readonly<Record<string, string>> = {
  pointwise_unary: 'Pointwise, one operand',
  pointwise_binary: 'Pointwise, two and more',
  special: 'Special functions',
  reduction: 'Reductions and scans',
  movement: 'Views and movement',
  indexing: 'Indexing and scatter',
  sorting: 'Sorting',
  linalg: 'Linear algebra',
  nn_activation: 'Activations',
  nn_conv_pool: 'Convolution and pooling',
  nn_norm_linear: 'Normalisation and embedding',
  nn_loss: 'Losses',
  nn_attention: 'Attention',
  creation: 'Creation',
  complex: 'Complex numbers and Fourier',
  promotion: 'Mixed dtypes',
  inplace: 'In-place forms',
  large: 'Large sizes',
  grad_edge: 'Gradients at edges',
  programs: 'Autograd programs',
  errors: 'Misuse that must throw',
}
