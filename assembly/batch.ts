// The `batch` kernel: maps whose loops were made for them, one behind the other. Tasks share the elements of all maps evenly.
// src/backend/wasm/encode-batch.ts writes the payload: the header below, then for each map its descriptor, as assembly/map-run.ts reads it.
import { payload, setViewAddress, viewAddress, wordsOf } from './descriptor'
import { emitted } from './map-run'
import { needs, parallel, scratchBack, scratchMark, shares } from './pool'
import { word } from './strided'

const TASKS = 0
const ELEMENTS = 1
const MAPS = 2
const INPUTS = 3 // of each map
const OUTPUTS = 4
const FUNCTION = 5 // the last place of the table that it needs
const HEAD_BYTES: usize = 24

const SIZE = 2 // in the payload of a map

function batchTask(kernel: usize, task: i32, tasks: i32): void {
  const head = payload(kernel)
  const all = <i64>word(head, ELEMENTS)
  const from = <i32>(all * task / tasks), to = <i32>(all * (task + 1) / tasks)
  const top = scratchMark()
  let map = head + HEAD_BYTES
  for (let begin = 0; begin < to; map += wordsOf(map) << 2) {
    const size = word(payload(map), SIZE)
    // Tasks meet at whole vectors of a map.
    const first = max(from - begin, 0) & ~15, last = to - begin >= size ? size : to - begin & ~15
    if (first < last) {
      emitted(map, payload(map), first, last)
      scratchBack(top)
    }
    begin += size
  }
}

export function runBatch(kernel: usize): i32 {
  const head = payload(kernel)
  const maps = word(head, MAPS), inputs = word(head, INPUTS), outputs = word(head, OUTPUTS)
  let map = head + HEAD_BYTES
  for (let k = 0; k < maps; k++, map += wordsOf(map) << 2) {
    for (let i = 0; i < inputs; i++) setViewAddress(map, i, viewAddress(kernel, k * inputs + i))
    for (let i = 0; i < outputs; i++) setViewAddress(map, inputs + i, viewAddress(kernel, maps * inputs + k * outputs + i))
  }
  needs(word(head, FUNCTION))
  parallel(batchTask.index, kernel, shares(word(head, TASKS)))
  return 0
}
