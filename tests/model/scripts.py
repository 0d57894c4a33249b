"""The scripts of recordings of a real Asterisk, in acts.

Times are those that the situations were played with (tests/lab/situations, the README of each trace), to a
tenth of a second; a moment is what the exchange did at once.
"""

from __future__ import annotations

from tests.model import acts as a
from tests.model.acts import Act

GENERAL, GENERAL_FREE = "4163272422", "18002677329"
TTY, TTY_FREE = "4163250866", "18668532137"
POCI, POCI_FREE = "4163270374", "18662146820"
THREE = ("101", "102", "103")
OUTSIDE = "6475550190"


def group(at: float, *phones: str, through: str = "") -> list[Act]:
    """Phones are dialled together, and ring."""
    return [a.Tries(at, phones, through), *(a.Rings(at, phone) for phone in phones)]


def talk(picked: float, phone: str, until: float, who: str = "caller") -> list[Act]:
    return [a.PicksUp(picked, phone), a.HangsUp(until, who)]


def ring(*phones: str, dials: str = GENERAL, shown: str = "4165550101") -> list[Act]:
    return [a.Calls(0, dials, shown), *group(0, *phones)]


def plain(phones: tuple[str, ...], picked: float, phone: str, until: float, **more: str) -> list[Act]:
    """Phones ring together, one is picked up, the caller hangs up."""
    who = more.pop("who", "caller")
    return [*ring(*phones, **more), *talk(picked, phone, until, who)]


def menu(key: float, language: str) -> list[Act]:
    return [a.Calls(0, GENERAL), a.LineUp(0, "menu"), a.Chooses(key, language), *group(key, *THREE)]


def box(at: float, mailbox: str, until: float, message: bool) -> list[Act]:
    return [a.DialOver(at), a.Voicemail(at, mailbox), a.HangsUp(until, message=message)]


def busy(*phones: str) -> list[Act]:
    return [a.Calls(0, GENERAL), a.Tries(0, phones), *(a.Refuses(0, phone, "busy") for phone in phones)]


def one(phone: str, picked: float = 2.0) -> list[Act]:
    return [*ring(phone), a.PicksUp(picked, phone)]


def by_keys(to: str, press: float, dialled: float) -> list[Act]:
    """*2 and the number: the caller is on hold from the first key on."""
    return [a.Holds(press), a.Consults(dialled, to, "keys"), a.Rings(dialled, to)]


def sent(at: float, to: str, how: str = "refer") -> list[Act]:
    return [a.SendsOff(at, to, how), *group(at, to)]


RECORDINGS: dict[str, list[Act]] = {
    "answered_ring1": plain(THREE, 2.0, "102", 6),
    "answered_ring2": plain(THREE, 8.0, "102", 12),
    "answered_ring3": plain(THREE, 14.0, "102", 18),
    "answered_ring4": plain(THREE, 22.5, "102", 26.5),
    "answered_at_17_3": plain(THREE, 17.3, "102", 21.3),
    "answered_at_18_7": plain(THREE, 18.7, "102", 22.7),
    "tollfree_answered": plain(THREE, 3.0, "101", 7, dials=GENERAL_FREE),
    "tty_answered": plain(("104",), 8.0, "104", 12, dials=TTY),
    "tty_tollfree_answered": plain(("104",), 3.0, "104", 7, dials=TTY_FREE),
    "poci_answered": plain(("105", "106"), 13.0, "106", 17, dials=POCI),
    "poci_tollfree_answered": plain(("105", "106"), 3.0, "105", 7, dials=POCI_FREE),
    "anonymous_answered": plain(("105", "106"), 3.0, "105", 7, dials=POCI, shown="anonymous"),
    "answered_after_one_declined": [*ring(*THREE), a.Refuses(2.0, "101", "declined"), *talk(7.0, "103", 11)],
    "hunt_first_unregistered_phone": plain(("101",), 4.0, "101", 8),
    "hunt_second_stage": [*ring("101"), a.DialOver(12.0), *group(12.0, "102"), *talk(15.0, "102", 19)],
    "hunt_too_late": [*ring("101"), a.DialOver(12.0), *group(12.0, "102"), *talk(20.0, "102", 24)],
    "hunt_voicemail": [*ring("101"), a.DialOver(12.0), *group(12.0, "102"), *box(24.0, "500", 42, True)],
    "early_media_phone": [
        a.Calls(0, GENERAL), a.Tries(0, ("101",)), a.PlaysAhead(0, "101"), *talk(8.0, "101", 12)
    ],
    "hold_unhold": [*ring(*THREE), a.PicksUp(2.0, "101"), a.Holds(4), a.Resumes(9), a.HangsUp(12, "101")],
    "vm_message": [*ring(*THREE), *box(24.0, "500", 42, True)],
    "vm_hangup_greeting": [*ring(*THREE), *box(24.0, "500", 29, False)],
    "vm_too_short": [*ring(*THREE), *box(24.0, "500", 37, False)],
    "tty_voicemail": [*ring("104", dials=TTY), *box(24.0, "504", 42, True)],
    "voicemail_early": [*ring(*THREE), *box(12.0, "500", 30, True)],
    "voicemail_late": [*ring(*THREE), *box(36.0, "500", 54, True)],
    "busy_to_voicemail": [*busy(*THREE), a.Voicemail(0, "500"), a.HangsUp(18, message=True)],
    "offline_to_voicemail": [a.Calls(0, GENERAL), a.Tries(0, ()), a.Voicemail(0, "500"), a.HangsUp(5)],
    "menu_english": [*menu(2.1, "en"), *talk(5.1, "102", 9)],
    "menu_french": [*menu(2.1, "fr"), *talk(10.1, "103", 14)],
    "menu_hangup": [a.Calls(0, GENERAL), a.LineUp(0, "menu"), a.HangsUp(3)],
    "menu_abandon_ringing": [*menu(2.1, "fr"), a.HangsUp(10)],
    "menu_voicemail_message": [*menu(2.1, "fr"), *box(26.1, "500", 45, True)],
    "menu_voicemail_hangup": [*menu(2.1, "en"), *box(26.1, "500", 31, False)],
    "menu_chosen_voicemail": [
        a.Calls(0, GENERAL), a.LineUp(0, "menu"), a.Voicemail(2.1, "500"), a.HangsUp(21, message=True)
    ],
    "busy_all": [*busy("101", "102"), a.Ended(0, "busy")],
    "rings_in_vain": [*ring(*THREE), a.DialOver(24.0), a.Ended(24.0, "played")],
    "phones_offline": [a.Calls(0, GENERAL), a.Tries(0, ()), a.Ended(0, "unreachable")],
    "phones_silent": [a.Calls(0, GENERAL), a.Tries(0, ("107",)), a.DialOver(24.0), a.Ended(24.0, "played")],
    "phones_silent_left": [a.Calls(0, GENERAL), a.Tries(0, ("107",)), a.HangsUp(5)],
    "phones_silent_left_late": [a.Calls(0, GENERAL), a.Tries(0, ("107",)), a.HangsUp(20)],
    "abandon_at_once": [*ring(*THREE), a.HangsUp(0.5)],
    "abandon_ring1": [*ring(*THREE), a.HangsUp(4)],
    "abandon_ring4": [*ring(*THREE), a.HangsUp(20)],
    "congestion": [
        a.Calls(0, GENERAL), a.Tries(0, ("6475550191",)), a.Refuses(0, "6475550191", "congested"),
        a.Ended(0, "congested"),
    ],
    "closed_announcement": [a.Calls(0, GENERAL), a.LineUp(0, "announcement"), a.Ended(6, "played")],
    "announcement_unanswered": [a.Calls(0, GENERAL), a.Ended(5, "played")],
    "queue_answered": [
        a.Calls(0, GENERAL), a.LineUp(0, "queue"), a.Queues(0.5), *group(0.5, "110", through="queue"),
        *talk(3.5, "110", 8),
    ],
    "queue_second_member": [
        a.Calls(0, GENERAL), a.LineUp(0, "queue"), a.Queues(0.5), *group(0.5, "112", through="queue"),
        a.DialOver(12.5), *group(13.5, "113", through="queue"), *talk(16.5, "113", 22),
    ],
    "queue_abandon": [
        a.Calls(0, GENERAL), a.LineUp(0, "queue"), a.Queues(0.5), *group(0.5, "114", through="queue"),
        a.HangsUp(9),
    ],
    "queue_timeout_voicemail": [
        a.Calls(0, GENERAL), a.LineUp(0, "queue"), a.Queues(0), *group(0, "115", through="queue"),
        a.DialOver(12), *group(13, "115", through="queue"), a.DialOver(20), a.QueueOver(20),
        a.Voicemail(20, "500"), a.HangsUp(42, message=True),
    ],
    "queue_with_ringing": [
        a.Calls(0, GENERAL), a.Queues(0), *group(0, "116", through="queue"), *talk(8, "116", 12)
    ],
    "local_group": [a.Calls(0, GENERAL), *group(0, "120", "121", through="local"), *talk(8, "120", 12)],
    "local_group_optimised": [
        a.Calls(0, GENERAL), *group(0, "122", "123", through="optimised"), *talk(3, "122", 9)
    ],
    "confirm_accepted": [
        a.Calls(0, GENERAL), *group(0, "6475550190", through="local"), a.PicksUp(2.5, "6475550190"),
        a.Confirms(4.1, "6475550190", True), a.HangsUp(8),
    ],
    "confirm_refused": [
        a.Calls(0, GENERAL), *group(0, "6475550190", through="local"), a.PicksUp(3, "6475550190"),
        a.Confirms(8.4, "6475550190", False), a.Voicemail(8.4, "500"), a.HangsUp(26, message=True),
    ],
    "internal_call": [a.Calls(0, "131", phone="130"), *group(0, "131"), *talk(4, "131", 8)],
    "internal_unanswered": [a.Calls(0, "133", phone="132"), *group(0, "133"), a.HangsUp(8)],
    "blind_transfer": [*one("140"), *sent(5, "141"), *talk(9, "141", 14, "141")],
    "blind_transfer_by_keys": [
        *one("142"), a.Holds(4.4), *sent(7.2, "143", "keys"), *talk(11.2, "143", 16.2, "143")
    ],
    "transfer_to_voicemail": [
        *one("144"), a.SendsOff(4, "500"), a.Voicemail(4, "500"), a.HangsUp(25, message=True)
    ],
    "two_transfers": [
        *one("145"), *sent(4, "146"), a.PicksUp(6, "146"), *sent(8, "147"), *talk(10, "147", 15, "147")
    ],
    "transfer_refused": [
        *one("156"), a.SendsOff(4, "157"), a.Tries(4, ("157",)), a.Refuses(4, "157", "busy"),
        a.Ended(4, "refused"),
    ],
    "attended_transfer": [
        *one("148"), a.Holds(4), a.Consults(5, "149"), a.Rings(5, "149"), a.PicksUp(7, "149"), a.Joins(10),
        a.HangsUp(16, "149"),
    ],
    "attended_transfer_by_keys": [
        *one("117"), *by_keys("118", 4.4, 7.2), a.PicksUp(10.2, "118"), a.Joins(16), a.HangsUp(24.2, "118")
    ],
    "attended_returned": [
        *one("150"), *by_keys("151", 4.4, 7.2), a.PicksUp(10.2, "151"), a.TakesBack(14.4), a.HangsUp(18, "150")
    ],
    "blonde_completed": [
        *one("152"), *by_keys("153", 4.4, 7.2), a.HandsOver(11), a.PicksUp(13.2, "153"), a.HangsUp(22.2, "153")
    ],
    "blonde_returned": [
        *one("154"), *by_keys("155", 4.4, 7.2), a.HandsOver(11), a.CallsBack(22.2), a.Rings(22.2, "154"),
        a.PicksUp(24.2, "154"), a.HangsUp(29.2, "154"),
    ],
    "forward_302": [*ring("119"), a.Forwards(1, "119", "124"), a.Rings(1, "124"), *talk(4, "124", 8)],
    "pickup": [*ring("125"), a.TakesFrom(8.5, "126", "125"), a.HangsUp(13, "126")],
    "park_retrieve": [*one("127"), a.Parks(4.7), a.LetsGo(7.3), a.Retrieves(12.5, "128"), a.HangsUp(17, "128")],
    "park_timeout": [
        *one("158"), a.Parks(4.7), a.LetsGo(7.2), a.ParkingOver(49.7), *group(49.7, "158"),
        a.PicksUp(52.7, "158"), a.HangsUp(57.7, "158"),
    ],
}  # fmt: skip

OUT = "9055550157"
# Situations that the lab plays besides: every way in which a call can travel.
RECORDINGS |= {
    "eleven_digits": plain(THREE, 3, "101", 7, dials="14163272422"),
    "tollfree_ten_digits": plain(THREE, 9, "103", 13, dials="8002677329"),
    "menu_that_ends": [a.Calls(0, GENERAL), a.LineUp(0, "menu"), a.Ended(9, "played")],
    "outbound_answered": [a.Calls(0, f"9{OUT}", phone="134"), *group(0, OUT), *talk(8, OUT, 12)],
    "outbound_busy": [
        a.Calls(0, "99055550159", phone="135"), a.Tries(0, ("9055550159",)), a.Refuses(0, "9055550159", "busy"),
        a.Ended(0, "busy"),
    ],
    "outbound_unanswered": [a.Calls(0, "99055550161", phone="136"), *group(0, "9055550161"), a.HangsUp(15)],
    "outbound_early_media": [
        a.Calls(0, "919055550163", phone="137"), a.Tries(0, ("19055550163",)), a.PlaysAhead(0, "19055550163"),
        *talk(7, "19055550163", 11),
    ],
    "redirect": [*one("268"), a.Redirects(4, "269"), *group(4, "269"), *talk(7, "269", 12, "269")],
    "redirect_nowhere": [*one("217"), a.Redirects(4, "888"), a.Ended(4, "played")],
    "transfer_to_nobody": [*one("218"), a.SendsOff(4, "199"), a.Tries(4, ()), a.Ended(4, "unreachable")],
    "transfer_declined": [*one("221"), *sent(4, "222"), a.Refuses(6, "222", "declined"), a.Ended(6, "played")],
    "transfer_unanswered": [*one("229"), *sent(4, "230"), a.DialOver(28), a.Ended(28, "played")],
    "transfer_to_a_phones_voicemail": [
        *one("203"), *sent(4, "280"), a.DialOver(28), a.Voicemail(28, "280"), a.HangsUp(50, message=True)
    ],
    "transfer_to_forwarding_phone": [
        *one("335"), *sent(4, "336"), a.Forwards(5, "336", "349"), a.Rings(5, "349"), *talk(8, "349", 13, "349")
    ],
    "transfer_outside": [
        *one("211"), a.SendsOff(4, "96475550192"), *group(4, "6475550192"),
        *talk(7, "6475550192", 12, "6475550192"),
    ],
    "blind_transfer_withheld": [
        *ring("321", shown="anonymous"), a.PicksUp(2, "321"), *sent(4, "322"), *talk(7, "322", 12, "322")
    ],
    "blind_transfer_by_desk": [
        *one("200"), *sent(4, "201"), a.PicksUp(7, "201"), a.Holds(9), a.Resumes(11), a.HangsUp(13, "201")
    ],
    "there_and_back": [
        *one("242"), *sent(4, "243"), a.PicksUp(6, "243"), *sent(8, "242"), *talk(11, "242", 16, "242")
    ],
    "three_transfers": [
        *one("244"), *sent(4, "245"), a.PicksUp(6, "245"), a.Holds(8.4), *sent(10.1, "246", "keys"),
        a.PicksUp(12.1, "246"), *sent(14.1, "247"), *talk(17.1, "247", 22.1, "247"),
    ],
    "attended_then_blind": [
        *one("239"), a.Holds(4), a.Consults(5, "240"), a.Rings(5, "240"), a.PicksUp(7, "240"), a.Joins(9),
        *sent(12, "241"), *talk(15, "241", 20, "241"),
    ],
    "attended_returned_by_phone": [*one("254"), a.Holds(4), a.Resumes(12), a.HangsUp(15, "254")],
    "blonde_by_phone": [
        *one("260"), a.Holds(4), a.Consults(5, "261"), a.Rings(5, "261"), a.HandsOver(7),
        *talk(10, "261", 15, "261"),
    ],
    "blonde_by_phone_unanswered": [
        *one("262"), a.Holds(4), a.Consults(5, "263"), a.Rings(5, "263"), a.HandsOver(7), a.DialOver(29),
        a.Ended(29, "played"),
    ],
    "blonde_completed_as_bridges_merged": RECORDINGS["blonde_completed"],
    "blonde_returned_as_bridges_merged": RECORDINGS["blonde_returned"],
    "pickup_by_group": [*ring("282"), a.TakesFrom(3.5, "283", "282"), a.HangsUp(8, "283")],
    "pickup_of_a_transfer": [*one("290"), *sent(4, "284"), a.TakesFrom(7.5, "285", "284"), a.HangsUp(12, "285")],
    "park_left": [*one("298"), a.Parks(4.7), a.LetsGo(7.1), a.HangsUp(16)],
    "park_by_phone": [
        *one("293"), a.Parks(4, "refer"), a.LetsGo(6, hangs_up=True), a.Retrieves(7.5, "294"), a.HangsUp(12, "294")
    ],
    "park_by_desk": [
        *one("295"), a.Parks(4), a.LetsGo(6.6), a.Retrieves(7.5, "296"), a.Holds(9), a.Resumes(11),
        a.HangsUp(13, "296"),
    ],
    "park_then_transfer": [
        *one("302"), a.Parks(4.7), a.LetsGo(7.3), a.Retrieves(8.2, "303"), *sent(9.7, "304"),
        *talk(12.7, "304", 17.7, "304"),
    ],
}  # fmt: skip

TRACES: dict[str, list[Act]] = {
    "abandon_at_once": [*ring(*THREE), a.HangsUp(1)],
    "anonymous_answered": plain(THREE, 3, "101", 8, shown="anonymous"),
    "answered_ring2": plain(THREE, 8, "102", 13, who="102"),
    "answered_ring4": plain(THREE, 20, "101", 25),
    "attended_dtmf": [
        *ring(*THREE), a.PicksUp(3, "101"), *by_keys("104", 5.5, 8.7), a.PicksUp(11.7, "104"), a.Joins(16),
        a.HangsUp(27),
    ],
    "attended_returned": [
        *ring(*THREE), a.PicksUp(3, "101"), *by_keys("104", 5.5, 8.7), a.PicksUp(11.7, "104"),
        a.TakesBack(15.5), a.HangsUp(27),
    ],
    "attended_sip": [
        *ring(*THREE), a.PicksUp(3, "101"), a.Holds(5), a.Consults(6.5, "104"), a.Rings(6.5, "104"),
        a.PicksUp(9.5, "104"), a.Joins(12.4), a.HangsUp(21),
    ],
    "blind_transfer_1": [*ring(*THREE), a.PicksUp(3, "101"), *sent(6, "104"), *talk(10, "104", 19)],
    "busy_all": [*busy(*THREE), a.Ended(0, "busy")],
    "forward_302": [
        a.Calls(0, GENERAL), a.Tries(0, ("101",)), a.Forwards(0, "101", "104"), a.Rings(0, "104"),
        *talk(4, "104", 9),
    ],
    "hold_unhold": [*ring(*THREE), a.PicksUp(3, "101"), a.Holds(5), a.Resumes(10), a.HangsUp(15)],
    "hunt_voicemail": [*ring("101"), a.DialOver(12), *group(12.0, "102", "103"), *box(24, "500", 46, True)],
    "internal_call": [a.Calls(0, "102", phone="101"), *group(0, "102"), *talk(3, "102", 8)],
    "menu_english": [*menu(2, "en"), *talk(5, "102", 15)],
    "park_retrieve": [
        *ring(*THREE), a.PicksUp(3, "101"), a.Parks(6, "refer"), a.LetsGo(8.7), a.Retrieves(12.5, "102"),
        a.HangsUp(18),
    ],
    "pickup_group": [*ring("101"), a.TakesFrom(8.5, "102", "101"), a.HangsUp(13.5)],
    "queue_abandon": [
        a.Calls(0, GENERAL), a.LineUp(0, "queue"), a.Queues(0.5), *group(0.5, "101", through="queue"),
        a.DialOver(6.5), *group(7.5, "102", through="queue"), a.HangsUp(10),
    ],
    "queue_second_member": [
        a.Calls(0, GENERAL), a.LineUp(0, "queue"), a.Queues(0.5), *group(0.5, "101", through="queue"),
        a.DialOver(6.5), *group(7.5, "102", through="queue"), *talk(10.5, "102", 16),
    ],
    "tollfree_answered": plain(THREE, 3, "101", 8, dials=GENERAL_FREE),
    "tty_answered": plain(("104",), 8, "104", 13, dials=TTY),
    "tty_voicemail": [*ring("104", dials=TTY), *box(24, "504", 46, True)],
    "vm_hangup_greeting": [*ring(*THREE), *box(24, "500", 26, False)],
    "vm_message": [*ring(*THREE), *box(24, "500", 46, True)],
}  # fmt: skip
