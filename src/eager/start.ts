// Ops run at once unless a trace says otherwise.
import { enterWorld } from '../ops/world.ts'
import { eager } from './world.ts'

enterWorld(eager)
