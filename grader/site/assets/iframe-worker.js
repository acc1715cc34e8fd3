// The theme searches in a worker, and browsers start none from file://. There, a hidden frame does its work.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.title = "search"
      document.body.append(frame)
      const inside = frame.contentWindow
      const page = frame.contentDocument
      page.open()
      page.write("<!doctype html><title>search</title><body></body>")
      page.close()
      inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
      const waiting = []
      let ready = false
      const tell = data => inside.dispatchEvent(new inside.MessageEvent("message", { data }))
      this.postMessage = data => ready ? tell(data) : waiting.push(data)
      const script = page.createElement("script")
      script.src = new URL(url, document.baseURI)
      script.onload = () => {
        ready = true
        waiting.forEach(tell)
      }
      page.body.append(script)
    }
  }
}
