// Tensors as text. The expected texts follow PyTorch's printing rules (`torch._tensor_str`).
import { expect, test, vi } from 'vitest'
import { arange, compile, ones, print, setPrintoptions, tensor, zeros, type Tensor } from '../../src/index.ts'
import { eachDevice, inBrowser } from '../each-device.ts'

const rows: readonly (readonly [string, () => Tensor, string])[] = [
  ['whole floats end in a point', () => tensor([[1, 2], [3, 4]]), 'tensor([[1., 2.],\n        [3., 4.]])'],
  ['fractions have four digits in columns', () => tensor([1, 0.5, -3]), 'tensor([ 1.0000,  0.5000, -3.0000])'],
  ['a wide range is scientific', () => tensor([1e-5, 1]), 'tensor([1.0000e-05, 1.0000e+00])'],
  ['so are wide whole numbers', () => tensor([1, 1e5]), 'tensor([1.0000e+00, 1.0000e+05])'],
  ['zeros do not count for the range', () => tensor([0, 0.25]), 'tensor([0.0000, 0.2500])'],
  ['no numbers', () => tensor([1, NaN, Infinity, -Infinity]), 'tensor([1., nan, inf, -inf])'],
  ['negative zero', () => tensor([-0, 1]), 'tensor([-0., 1.])'],
  ['ints', () => tensor([[7, -12]], { dtype: 'int32' }), 'tensor([[  7, -12]])'],
  ['bools', () => tensor([true, false]), 'tensor([ True, False])'],
  ['one element', () => tensor(3.5), 'tensor(3.5000)'],
  ['nothing', () => zeros(0), 'tensor([])'],
  ['nothing in two dimensions', () => zeros([2, 0], { dtype: 'int32' }), 'tensor([], size=[2, 0], dtype=int32)'],
  ['three dimensions', () => zeros(2, 1, 2), 'tensor([[[0., 0.]],\n\n        [[0., 0.]]])'],
  ['long lines are broken', () => arange(30), `tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])`],
  ['large tensors show their edges', () => arange(2000), 'tensor([   0,    1,    2, ..., 1997, 1998, 1999])'],
  ['edges of a matrix', () => ones(40, 40), `tensor([${Array.from({ length: 7 }, (_, i) => (i === 3 ? '...' : '[1., 1., 1., ..., 1., 1., 1.]')).join(',\n        ')}])`],
  ['another dtype is told', () => tensor([1, 2], { dtype: 'uint8' }), 'tensor([1, 2], dtype=uint8)'],
  ['a leaf with a gradient', () => tensor([1], { requiresGrad: true }), 'tensor([1.], requiresGrad=true)'],
  ['a result on the tape', () => tensor([1], { requiresGrad: true }).mul(2), 'tensor([2.], gradFn=<mul>)'],
]

eachDevice(name => {
  const here = (text: string): string => (name === 'wasm' ? text : text.replace(/(, (dtype|gradFn|requiresGrad)=.*)?\)$/, (_, rest: string | undefined) => `, device='${name}'${rest ?? ''})`))

  for (const [title, make, text] of rows)
    test(title, async () => {
      const log = vi.spyOn(console, 'log').mockImplementation(() => {})
      await print('x:', make())
      expect(log).toHaveBeenCalledExactlyOnceWith('x:', here(text))
      log.mockRestore()
      if (name !== 'webgpu') expect(make().toString()).toBe(here(text))
    })

  test('options', async () => {
    setPrintoptions({ precision: 2, sciMode: false })
    const text = tensor([1e-5, 1 / 3]).toString()
    setPrintoptions({ precision: 4, sciMode: undefined })
    if (name !== 'webgpu') expect(text).toBe(here('tensor([0.00, 0.33])'))
    expect(() => setPrintoptions({ digits: 3 } as object)).toThrow(/\[setPrintoptions\] unknown option 'digits'/)
  })

  test('a template gives dtype and shape, operators throw', () => {
    const x = ones(2, 3)
    expect(`${x}`).toBe('f32[2,3]')
    expect(() => (x as unknown as number) * 2).toThrow(/\[operator\] JavaScript's operators do not work on f32\[2,3\]/)
  })

  test('statistics', async () => {
    const found = await tensor([1, NaN, 3, 0, Infinity]).inspect()
    expect(found).toMatchObject({ min: 0, max: 3, zeros: 1, nan: 1, inf: 1 })
    expect(found.mean).toBeCloseTo(4 / 3, 6)
    expect(String(found)).toBe(`f32[5] on ${name}: min 0, max 3, mean 1.333, std 1.247, zeros 1, nan 1, inf 1`)
    expect((await zeros(0).inspect()).mean).toBeNaN()
  })

  test('a traced tensor has no values to show', () => {
    let text = ''
    compile((x: Tensor) => {
      text = x.toString()
      return x.mul(2)
    })(ones(2))
    expect(text).toBe('tensor(f32[2], device=\'symbolic\')')
  })
})

if (!inBrowser)
  test('Node shows the values of a logged tensor', async () => {
    const { inspect } = await import('node:util')
    expect(inspect(tensor([1, 2], { device: 'wasm' }))).toBe('tensor([1., 2.])')
  })
