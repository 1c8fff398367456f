"""The 38 functions of the answer key, each as `inputs -> outputs` in the key's own words."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic import TypeAdapter

from markets.domain.fees import (
    MAKER_RATE,
    TAKER_RATE,
    FillCharge,
    order_fees,
    raw_fee,
    total_net_fee,
    trade_fee,
    worst_case_fee,
)
from markets.domain.types import FeeSchedule, FeeType
from milkbot.core.scoring import calibration, crps, evidence, probability, sharpe
from trading.domain import pooling
from trading.domain.kelly import basket, binary, joint, ladder
from trading.domain.types import Side
from weather.domain.bias import BiasNoise, BiasState, bias_path
from weather.domain.blending import Estimate, precision_blend
from weather.domain.brackets import Bracket
from weather.domain.distribution import bracket_probabilities
from weather.domain.emos import EmosParameters, TrainingRows, emos_mean_crps
from weather.domain.families import Distribution, Family
from weather.domain.intraday import censored_probabilities, lock_probability, truncated_probabilities
from weather.domain.temperature import whole_c_to_possible_f

Values = Mapping[str, Any]
Function = Callable[[Values], dict[str, Any]]

_FAMILIES: TypeAdapter[Family] = TypeAdapter(Distribution)
_IS_TAKER: Final = {"0.07": True, "0.0175": False}


def _family(given: Values) -> Family:
    return _FAMILIES.validate_python(given["dist"])


def _brackets(given: Values) -> list[Bracket]:
    return [(low, high) for low, high in given["brackets"]]


def _fees(multiplier: str = "1") -> FeeSchedule:
    return FeeSchedule(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier=Decimal(multiplier))


def _intraday_censored(given: Values) -> dict[str, Any]:
    pmf = given.get("observed_max_pmf") or {given.get("observed_max"): 1.0}
    max_so_far = {int(m): weight for m, weight in pmf.items()}
    return {"probs": censored_probabilities(_family(given), max_so_far, _brackets(given))}


def _intraday_truncated(given: Values) -> dict[str, Any]:
    return {"probs": truncated_probabilities(_family(given), given["observed_max"], _brackets(given))}


def _fee_simple(given: Values) -> dict[str, Any]:
    trade = _fees(given["multiplier"]), Decimal(given["contracts"]), Decimal(given["price"])
    is_taker = _IS_TAKER[given["rate"]]
    return {"raw": raw_fee(*trade, is_taker=is_taker), "fee": worst_case_fee(*trade, is_taker=is_taker)}


def _fee_fills(given: Values) -> dict[str, Any]:
    charges = []
    for fill in given["fills"]:
        count, price = Decimal(fill["count"]), Decimal(fill["price"])
        fee = fill["trade_fee"]
        if fee is None:
            fee = trade_fee(_fees(given["multiplier"]), count, price, is_taker=_IS_TAKER[given["rate"]])
        revenue = count * price * (-1 if fill["action"] == "buy" else 1)
        charges.append(FillCharge(revenue=revenue, trade_fee=Decimal(fee)))
    fees = order_fees(charges, Decimal(given["balance_precision"]))
    return {"fills": [fee.model_dump() for fee in fees], "total_net_fee": total_net_fee(fees)}


def _bet(given: Values) -> binary.BinaryBet:
    # Where only takers pay, a maker's bet is the one without a fee.
    assert Decimal(repr(given["fee_rate"])) in (0, TAKER_RATE)
    fees = FeeSchedule(fee_type=FeeType.QUADRATIC, multiplier=Decimal(1))
    price = Decimal(repr(given["price"]))
    return binary.kelly_bet(given["p"], price, fees, is_taker=given["fee_rate"] > 0)


def _kelly_binary(given: Values) -> dict[str, Any]:
    bet = _bet(given)
    return {
        "fee_per_contract": bet.fee,
        "cost": bet.cost,
        "edge_net": bet.edge,
        "kelly_full": bet.share,
        "kelly_fractional": bet.share * Decimal(repr(given["fraction"])),
    }


def _kelly_contracts(given: Values) -> dict[str, Any]:
    bankroll, fraction = Decimal(given["bankroll"]), Decimal(repr(given["fraction"]))
    count = binary.kelly_contracts(given["p"], _bet(given).cost, 0.0, bankroll=bankroll, fraction=fraction)
    price = Decimal(repr(given["price"]))
    spend = count * price + worst_case_fee(_fees(), count, price, is_taker=True)
    return {"contracts": int(count), "spend_with_rounded_fee": spend}


def _kelly_shrunk(given: Values) -> dict[str, Any]:
    cost = Decimal(repr(given["price"]))
    shrink = binary.certainty_shrink(given["p"], cost, given["se"])
    return {"k": shrink, "kelly_shrunk": shrink * binary.kelly_share(given["p"], cost)}


def _kelly_exclusive_yes(given: Values) -> dict[str, Any]:
    stakes = ladder.kelly_yes_stakes(given["probs"], given["costs"])
    return stakes._asdict() | {"chosen": stakes.chosen}


def _kelly_exclusive_yes_no(given: Values) -> dict[str, Any]:
    stakes = ladder.kelly_ladder_stakes(given["probs"], given["yes_costs"], given["no_costs"])
    return {
        "yes_fractions": stakes.yes,
        "no_fractions": stakes.no,
        "wealth": stakes.wealth,
        "growth": stakes.growth,
    }


def _kelly_joint_two(given: Values) -> dict[str, Any]:
    (both, first), (second, neither) = given["joint"]
    outcomes = joint.JointOutcomes(both, first, second, neither)
    return {"fractions": joint.kelly_two_stakes(outcomes, *given["costs"])}


def _brier_decomposition(given: Values) -> dict[str, Any]:
    groups = [calibration.ForecastGroup(**group) for group in given["groups"]]
    return calibration.brier_decomposition(groups)._asdict()


def _rps(given: Values) -> dict[str, Any]:
    forecast = given["probs"], given["outcome"]
    return {"rps": probability.rps(*forecast), "rps_normalised": probability.rps_normalised(*forecast)}


def _log_score(given: Values) -> dict[str, Any]:
    return {"score": probability.log_score(given["probs"], given["outcome"], given["floor"])}


def _devig(given: Values) -> dict[str, Any]:
    if given["method"] == "proportional":
        return {"probs": pooling.devig_proportional(given["prices"]).probs}
    devigged = pooling.devig_power(given["prices"])
    return {"probs": devigged.probs, "k": devigged.power}


def _basket(given: Values) -> dict[str, Any]:
    assert Decimal(given["fee_rate"]) == TAKER_RATE != MAKER_RATE
    asks = [Decimal(ask) for ask in given["asks"]]
    return basket.basket_arbitrage(
        Side[given["side"].upper()], asks, Decimal(given["sets"]), _fees()
    )._asdict()


def _emos(given: Values) -> dict[str, Any]:
    rows = TrainingRows.of(given["x"], given["s2"], given["y"])
    return {"mean_crps": emos_mean_crps(EmosParameters(*given["params"]), rows)}


def _kalman(given: Values) -> dict[str, Any]:
    start, noise = BiasState(given["b0"], given["P0"]), BiasNoise(given["Q"], given["R"])
    path = bias_path(start, given["errors"], noise)
    return {"bias": [state.bias for state in path], "variance": [state.variance for state in path]}


def _precision_blend(given: Values) -> dict[str, Any]:
    pairs = zip(given["means"], given["sigmas"], strict=True)
    return precision_blend([Estimate(*pair) for pair in pairs])._asdict()


def _probabilistic_sharpe(given: Values) -> dict[str, Any]:
    moments = {name: given[name] for name in ("skew", "kurtosis", "benchmark")}
    return {"psr": sharpe.probabilistic_sharpe(given["sr"], given["n"], **moments)}


def _weights_inverse_loss(given: Values) -> dict[str, Any]:
    return {
        "weights": pooling.weights_inverse_loss(given["losses"], power=given["power"], shrink=given["shrink"])
    }


def _hedge_update(given: Values) -> dict[str, Any]:
    updated = pooling.hedge_update(given["weights"], given["losses"], eta=given["eta"], share=given["share"])
    return {"weights": updated}


FUNCTIONS: Final[Mapping[str, Function]] = {
    "agreement": lambda g: {"agreement": pooling.agreement(g["probs"], g["weights"])},
    "basket_arbitrage": _basket,
    "bracket_probs": lambda g: {"probs": bracket_probabilities(_family(g), _brackets(g))},
    "brier_binary": lambda g: {"score": probability.brier_binary(g["p"], g["o"])},
    "brier_decomposition": _brier_decomposition,
    "brier_multi": lambda g: {"score": probability.brier_multi(g["probs"], g["outcome"])},
    "copula_joint": lambda g: {"p11": joint.copula_joint(g["p1"], g["p2"], g["rho"])},
    "crps_integer": lambda g: {"score": crps.crps_integer(g["first"], g["pmf"], g["y"])},
    "crps_normal": lambda g: {"score": crps.crps_normal(g["mu"], g["sigma"], g["y"])},
    "crps_student_t": lambda g: {"score": crps.crps_student_t(g["loc"], g["scale"], g["df"], g["y"])},
    "devig": _devig,
    "diebold_mariano": lambda g: evidence.diebold_mariano(g["d"], g["h"])._asdict(),
    "emos_mean_crps": _emos,
    "expected_max_sharpe": lambda g: {"value": sharpe.expected_max_sharpe(g["trials"], g["var_sr"])},
    "extremize": lambda g: {"probs": pooling.extremize(g["probs"], g["a"])},
    "hedge_update": _hedge_update,
    "intraday_censored": _intraday_censored,
    "intraday_truncated": _intraday_truncated,
    "kalman_bias": _kalman,
    "kalshi_fee_fills": _fee_fills,
    "kalshi_fee_simple": _fee_simple,
    "kelly_binary": _kelly_binary,
    "kelly_contracts": _kelly_contracts,
    "kelly_exclusive_yes": _kelly_exclusive_yes,
    "kelly_exclusive_yes_no": _kelly_exclusive_yes_no,
    "kelly_joint_two": _kelly_joint_two,
    "kelly_shrunk": _kelly_shrunk,
    "linear_pool": lambda g: {"probs": pooling.linear_pool(g["probs"], g["weights"])},
    "lock_probability": lambda g: {"p": lock_probability(_family(g), g["observed_max"])},
    "log_pool": lambda g: {"probs": pooling.log_pool(g["probs"], g["weights"])},
    "log_score": _log_score,
    "pit_interval": lambda g: {"interval": calibration.pit_interval(_family(g).cdf, g["y"])},
    "precision_blend": _precision_blend,
    "probabilistic_sharpe": _probabilistic_sharpe,
    "rps": _rps,
    "sample_size": lambda g: {"n": evidence.sample_size(**g)},
    "weights_inverse_loss": _weights_inverse_loss,
    "whole_c_to_possible_f": lambda g: {"f": whole_c_to_possible_f(g["celsius"])},
}
