// One plain message at the top of the page, with what the visitor can do about it.
import { byId, make } from './dom.ts'

export interface Action {
  readonly label: string
  run(): void
}

export class Notice {
  private readonly root = byId('notice', HTMLElement)

  show(text: string, actions: readonly Action[] = []): void {
    const close = make('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss message' }, '✕')
    close.addEventListener('click', () => this.hide())
    const buttons = actions.map(action => {
      const button = make('button', { type: 'button' }, action.label)
      button.addEventListener('click', () => {
        this.hide()
        action.run()
      })
      return button
    })
    this.root.replaceChildren(make('p', {}, text), ...buttons, close)
    this.root.hidden = false
  }

  hide(): void {
    this.root.hidden = true
    this.root.replaceChildren()
  }
}
