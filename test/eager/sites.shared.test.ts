// Whose line it is: a stack's innermost line that is not of Lampas, whatever the folders of the user are called.
import { expect, test } from 'vitest'
import { contiguousView, reshapeView } from '../../src/core/view.ts'
import { outsideLine } from '../../src/eager/storage.ts'

test('lines of Lampas are passed over, lines of others in folders of the same names are not', () => {
  let inside = ''
  const shape = new Proxy([4], {
    get: (list, key) => {
      inside ||= new Error().stack ?? ''
      return Reflect.get(list, key)
    },
  })
  reshapeView(contiguousView('float32', [2, 2]), shape)
  const lines = inside.split('\n')
  const deep = lines.findIndex(l => l.includes('/src/core/'))
  expect(deep).toBeGreaterThan(0)

  const theirs = '    at forward (https://example.org/app/src/nn/model.ts:3:14)'
  expect(outsideLine([lines[0], lines[deep], theirs].join('\n'))).toBe(theirs.trim())
  expect(outsideLine(lines.slice(deep - 1).join('\n'))).toContain('sites.shared.test.ts')
  expect(outsideLine(undefined)).toBe(null)
})
