"""Every page as people see it, as pictures for a person to look at. No test looks at them.

    python -m docs.source.photographs FOLDER [WORD…]     those whose name has one of the words; all of them without

A name is PAGE.LANGUAGE.LOOK.png. Looks: `light`, `dark`; of the main pages `forced` colours, `print`, `phone`
(320 pixels) too. The calls are the recordings', told again as if they had come today; a small exchange plays more
while the pictures are taken, so that something rings on *Now*.
"""
