// Runs encoded kernels: one, or a whole plan in one call.
import { runAttention } from './attention'
import { runBatch } from './batch'
import { runConv } from './conv'
import { runCumulate } from './cumulate'
import { kindOf, payload, setViewAddress, viewAddress, viewsOf, wordsOf } from './descriptor'
import { runFactor } from './factor'
import { runFold } from './fold'
import { runGather, runScatter } from './gather'
import { runMap } from './map'
import { runMatmul } from './matmul'
import { fault, kernelEnd, scratch, scratchBack, scratchMark, UNKNOWN_KIND } from './pool'
import { runReduce } from './reduce'
import { runRows } from './rows'
import { runSort } from './sort'

// The ids of src/backend/wasm/kinds.ts.
function run(desc: usize): i32 {
  switch (kindOf(desc)) {
    case 0: return runMap(desc)
    case 1: return runReduce(desc)
    case 2: return runMatmul(desc)
    case 3: return runConv(desc)
    case 4: return runGather(desc)
    case 5: return runScatter(desc)
    case 6: return runFold(desc)
    case 7: return runCumulate(desc)
    case 8: return runSort(desc)
    case 9: return runFactor(desc)
    case 10: return runRows(desc)
    case 11: return runWithEpilogue(desc)
    case 12: return runBatch(desc)
    case 13: return runAttention(desc)
    default: return fault(UNKNOWN_KIND, kindOf(desc), 0)
  }
}

/**
 * A product and the map over it. The payload: the view that the product goes to, or −1 and the bytes of memory aside, then the
 * descriptors of both. The views: two operands, what else the map reads, what it writes.
 */
function runWithEpilogue(desc: usize): i32 {
  const own = payload(desc)
  const target = load<i32>(own)
  const at = target < 0 ? scratch(load<u32>(own, 4)) : viewAddress(desc, target)
  const product = own + 8
  const map = product + (wordsOf(product) << 2)
  setViewAddress(product, 0, viewAddress(desc, 0))
  setViewAddress(product, 1, viewAddress(desc, 1))
  setViewAddress(product, 2, at)
  setViewAddress(map, 0, at)
  for (let i = 2, n = viewsOf(desc); i < n; i++) setViewAddress(map, i - 1, viewAddress(desc, i))
  const top = scratchMark()
  const code = run(product)
  scratchBack(top)
  return code | run(map)
}

/** Runs one kernel; 0 or the code of its error. */
export function execute(desc: usize): i32 {
  return run(desc) | kernelEnd()
}

/** Runs `n` kernels that lie one behind the other. Gives -1, or the number of the kernel that failed. */
export function executePlan(list: usize, n: i32): i32 {
  let desc = list
  for (let i = 0; i < n; i++) {
    if (execute(desc) != 0) return i
    desc += wordsOf(desc) << 2
  }
  return -1
}
