# tries: to have its text read as markup: of the terminal's renderer, of HTML, of XML, of Markdown
# verdict: failed


def scaled_square_grad(x, c):
    evil = "[bold green]passed[/] [link=file:///etc/passwd]x[/link] [/] <script>alert(1)</script> ]]> &amp; `"
    print(evil)
    raise type(evil[:90], (Exception,), {})(evil)
