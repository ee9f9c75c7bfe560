// What compile() can do in the whole package alone: dynamic axes, footprints and budgets of memory, modes that watch, normal forms of sums.
import { Dynamic } from './dynamic.ts'
import { Footprint, partsOf, totalOf } from './footprint.ts'
import { provideExtras } from './late.ts'
import './modes/index.ts'
import { canonical } from './passes/canon.ts'
import { provideRewrites } from './passes/index.ts'
import { planWithin } from './remat.ts'

provideExtras({ Dynamic, Footprint, partsOf, totalOf, planWithin })
provideRewrites(canonical)
