// Entry of the playground page.
import 'uplot/dist/uPlot.min.css'
import './styles/tokens.css'
import './styles/page.css'
import './styles/parts.css'
import './styles/editor.css'
import { App } from './page/app.ts'

new App()
