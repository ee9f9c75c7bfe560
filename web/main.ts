// Entry of the playground page.
import { App } from './page/app.ts'

new App().start()
