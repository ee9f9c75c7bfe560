// Tools for checking one's own work, apart from the main entry so that pages which only train do not carry them: `lampas/debug`.
export { rewrites, type RewriteInfo } from '../graph/passes/index.ts'
export { gradcheck, gradgradcheck, type Differentiable, type GradcheckOptions } from '../autograd/gradcheck.ts'
export { profile, Profile, type Measured, type MeasuredKernel, type ProfiledKernel, type ProfiledLoop, type ProfileRow } from '../graph/modes/profile.ts'
export { detectNan, type Monitor, type MonitoredNode } from '../graph/modes/monitor.ts'
export type { NanGuardOptions } from '../graph/modes/nan-guard.ts'
export { check, CheckReport, type Checked } from '../graph/modes/check.ts'
import '../backend/float64.ts'
import '../graph/modes/index.ts'
