"""Ways to ring a phone, as installers of a switchboard write them: what a caller hears differs in each.

A route of the lab may give values behind its place: the phones, the options of Dial or Queue, the seconds of a
pause (or of the first dial), where the call goes then, the seconds of the dial, the phones that a transfer leads
to: ``ringing-inbound|PJSIP/800|tkr|4|ringing-dial|24``.
"""

RINGING = """
[ringing-dial]
exten => s,1,Dial(${LAB_PHONES},${LAB_SECONDS},${LAB_OPTIONS})
 same => n,Goto(box,500,1)

[ringing-inbound]           ; an inbound route with a pause before the answer
exten => s,1,Wait(${LAB_PAUSE})
 same => n,Goto(${LAB_NEXT},s,1)

[ringing-signal]            ; the same, which tells the caller "ringing" first
exten => s,1,Ringing()
 same => n,Wait(${LAB_PAUSE})
 same => n,Goto(${LAB_NEXT},s,1)

[ringing-answered]          ; the line is up before a phone rings
exten => s,1,Answer()
 same => n,Goto(${LAB_NEXT},s,1)

[ringing-playtones]         ; the dialplan itself sends the tone
exten => s,1,Progress()
 same => n,Playtones(ring)
 same => n,Wait(${LAB_PAUSE})
 same => n,StopPlaytones()
 same => n,Goto(${LAB_NEXT},s,1)

[ringing-answered-playtones]
exten => s,1,Answer()
 same => n,Playtones(ring)
 same => n,Wait(${LAB_PAUSE})
 same => n,StopPlaytones()
 same => n,Goto(${LAB_NEXT},s,1)

[ringing-menu]              ; 1 and nothing lead to the same people
exten => s,1,Answer()
 same => n,Background(beep)
 same => n,WaitExten(6)
exten => 1,1,Goto(${LAB_NEXT},s,1)
exten => t,1,Goto(${LAB_NEXT},s,1)
exten => i,1,Goto(${LAB_NEXT},s,1)

[ringing-menu-dial]
exten => s,1,Answer()
 same => n,Background(beep)
 same => n,WaitExten(2)
exten => t,1,Goto(ringing-dial,s,1)

[ringing-two]               ; two dials in a row
exten => s,1,Dial(${LAB_PHONES},${LAB_PAUSE},${LAB_OPTIONS})
 same => n,Dial(${LAB_NEXT},30,${LAB_OPTIONS})
 same => n,Goto(box,500,1)

[ringing-sub]               ; every extension is dialled by one subroutine
exten => s,1,Gosub(ringing-subdial,s,1(${LAB_PHONES},${LAB_SECONDS},${LAB_OPTIONS}))
 same => n,Goto(box,500,1)

[ringing-subdial]
exten => s,1,Set(ASKED=${ARG1})
 same => n,GotoIf($["${ASKED}" = ""]?nobody)
 same => n,Dial(${ASKED},${ARG2},${ARG3})
 same => n(nobody),Return()

[ringing-macro]             ; the same by a macro, which Asterisk has until 20
exten => s,1,Macro(ringing-macrodial,${LAB_PHONES},${LAB_SECONDS},${LAB_OPTIONS})
 same => n,Goto(box,500,1)

[macro-ringing-macrodial]
exten => s,1,Set(ASKED=${ARG1})
 same => n,Dial(${ASKED},${ARG2},${ARG3})

[ringing-execif]
exten => s,1,ExecIf($["${LAB_PHONES}" != ""]?Dial(${LAB_PHONES},${LAB_SECONDS},${LAB_OPTIONS}))
 same => n,Goto(box,500,1)

[ringing-tryexec]
exten => s,1,TryExec(Dial(${LAB_PHONES},${LAB_SECONDS},${LAB_OPTIONS}))
 same => n,GotoIf($["${DIALSTATUS}" = "ANSWER"]?over)
 same => n,Goto(box,500,1)
 same => n(over),Hangup()

[ringing-group]             ; a ring group: each member is dialled through a Local channel
exten => s,1,Dial(${LAB_PHONES},${LAB_SECONDS},${LAB_OPTIONS})
 same => n,Goto(box,500,1)

[ringing-member]
exten => _[18]XX,1,Gosub(ringing-subdial,s,1(PJSIP/${EXTEN},30,))
 same => n,Hangup()

[ringing-member-r]          ; a member whose own dial has `r`
exten => _8XX,1,Gosub(ringing-subdial,s,1(PJSIP/${EXTEN},30,r))
 same => n,Hangup()

[ringing-followed]          ; follow-me: the phone for a while, then the mobile, which must press 1
exten => _8XX,1,Dial(PJSIP/${EXTEN},8)
 same => n,Dial(PJSIP/6475550195@trunk,20,U(lab-press-one))
 same => n,Hangup()

[lab-nothing]               ; a subroutine for the phone that answers
exten => s,1,Return()

[ringing-queue]             ; LAB_PHONES is the queue
exten => s,1,Queue(${LAB_PHONES},${LAB_OPTIONS},,,${LAB_SECONDS})
 same => n,Goto(box,500,1)

[site-internal](+)          ; where a desk's Redirect lands: on the dial itself, or on a step before it
exten => 640,1,Dial(PJSIP/859,30,tkr)
 same => n,Goto(box,500,1)
exten => 642,1,Dial(PJSIP/859,30,tk)
 same => n,Goto(box,500,1)
exten => 641,1,NoOp()
 same => n,Dial(PJSIP/859,30,tkr)
 same => n,Goto(box,500,1)
exten => 660,1,Dial(${LAB_THEN},${LAB_SECONDS},${LAB_OPTIONS})
 same => n,Goto(box,500,1)
exten => 661,1,NoOp()
 same => n,Dial(${LAB_THEN},${LAB_SECONDS},${LAB_OPTIONS})
 same => n,Goto(box,500,1)
exten => _8[0-5]X,1,Dial(PJSIP/${EXTEN},24,tkTK)
 same => n,Goto(box,500,1)
"""
