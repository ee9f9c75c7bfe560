// The example programs: real code that the page shows, runs and lets its visitor change.
import type { ViewName } from '../page/results.ts'

export interface Example {
  readonly id: string
  readonly title: string
  readonly about: string
  readonly code: string
  /** The views that it fills. */
  readonly views: readonly ViewName[]
}

const sources = import.meta.glob<string>('./*.js', { query: '?raw', import: 'default', eager: true })

export const examples: readonly Example[] = [
  {
    id: 'digits',
    title: 'Digits CNN',
    about: 'A small convolutional network learns to read 1,437 handwritten digits and is tested on 360 that it has not seen. Then draw one yourself.',
    code: sources['./digits.js'],
    views: ['predictions', 'drawing'],
  },
  {
    id: 'first',
    title: 'First steps',
    about: 'What a tensor is, what a gradient is, how learning comes of it, and what compiling does: read from the top, and see in the console what each part prints.',
    code: sources['./first.js'],
    views: [],
  },
  {
    id: 'spiral',
    title: 'Spiral MLP',
    about: 'Three arms of a spiral, one small network, and the boundary that it draws between them while it learns.',
    code: sources['./spiral.js'],
    views: ['boundary'],
  },
  {
    id: 'names',
    title: 'Names GPT',
    about: 'A character-level transformer reads 8,402 first names and writes new ones: noise at first, then syllables, then names.',
    code: sources['./names.js'],
    views: ['text'],
  },
  {
    id: 'regression',
    title: 'Linear regression',
    about: 'Two numbers, a loss and its gradient: the whole training loop written out by hand, with nothing but tensors.',
    code: sources['./regression.js'],
    views: ['fit'],
  },
  {
    id: 'logistic',
    title: 'Logistic regression, symbolic',
    about: 'The classic of the symbolic style: variables without values, a formula for the loss, its gradient, and one function that trains with it.',
    code: sources['./logistic.js'],
    views: [],
  },
  {
    id: 'waves',
    title: 'Waves RNN, by scan',
    about: 'A recurrent network reads 24 points of a wave and must go on by itself for 40 more. Its loop, and the derivative of it, are one node each.',
    code: sources['./waves.js'],
    views: ['fit'],
  },
  {
    id: 'both',
    title: 'Both ways',
    about: 'The same network twice: as modules whose step is compiled, and as formulas with updates. The two losses are equal at every step.',
    code: sources['./both.js'],
    views: ['boundary'],
  },
]
