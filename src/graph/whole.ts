// What compile() can do in the whole package alone: dynamic axes, footprints and budgets of memory, modes that watch.
import { Dynamic } from './dynamic.ts'
import { Footprint, partsOf, totalOf } from './footprint.ts'
import { provideExtras } from './late.ts'
import './modes/index.ts'
import { planWithin } from './remat.ts'

provideExtras({ Dynamic, Footprint, partsOf, totalOf, planWithin })
