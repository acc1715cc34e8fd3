// Folded answers: opened by a link into them, all at once by `o` or the button, and for printing.
(() => {
  const folds = () => [...document.querySelectorAll("article details")]
  const button = document.querySelector(".gs-open-all")

  const label = () => {
    const all = folds().every(fold => fold.open)
    if (button) button.textContent = all ? "Close all answers" : "Open all answers"
    return all
  }
  const toggle = () => {
    const open = !label()
    folds().forEach(fold => { fold.open = open })
    label()
  }
  const reveal = () => {
    const name = decodeURIComponent(location.hash.slice(1))
    const target = name && document.getElementById(name)
    if (!target) return
    let closed = false
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      closed ||= !fold.open
      fold.open = true
    }
    if (closed) target.scrollIntoView()
  }

  // What scrolls sideways in its own box can be reached by the keyboard.
  const boxes = ".gs-formula, .gs-inline, .gs-table, article pre > code"
  const measure = () => {
    const found = [...document.querySelectorAll(boxes)]
    const inline = found.filter(box => box.classList.contains("gs-inline"))
    const wide = inline.map(box => {
      const room = box.parentElement.closest("p, li, td, th, h1, h2, h3, h4, summary, div").clientWidth
      return room > 0 && box.firstElementChild.getBoundingClientRect().width > room
    })
    inline.forEach((box, at) => box.classList.toggle("gs-wide", wide[at]))
    const scrolls = found.map(box => box.clientWidth > 0 && box.scrollWidth > box.clientWidth)
    found.forEach((box, at) => {
      if (scrolls[at]) box.tabIndex = 0
      else box.removeAttribute("tabindex")
    })
  }

  document.addEventListener("keydown", event => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]")
    if (event.key !== "o" || event.ctrlKey || event.metaKey || event.altKey || typing) return
    toggle()
    event.preventDefault()
  })
  if (button) {
    button.hidden = false
    button.addEventListener("click", toggle)
  }
  let due = false  // many folds that open at once are measured once
  const measureSoon = () => {
    if (due) return
    due = true
    requestAnimationFrame(() => {
      due = false
      label()
      measure()
    })
  }
  document.addEventListener("toggle", measureSoon, true)
  document.addEventListener("click", event => {
    const link = event.target.closest("a[href*='#']")
    if (link && link.hash && link.hash === location.hash) setTimeout(reveal)  // no hashchange then
  })
  window.addEventListener("hashchange", reveal)
  window.addEventListener("resize", measureSoon)

  let opened = []
  window.addEventListener("beforeprint", () => {
    opened = folds().filter(fold => !fold.open)
    opened.forEach(fold => { fold.open = true })
  })
  window.addEventListener("afterprint", () => opened.forEach(fold => { fold.open = false }))

  label()
  reveal()
  measure()
})()
