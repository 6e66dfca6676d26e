"""Every ufunc of scipy.special: differentiable, piecewise constant, or refused with a remedy; checked by behaviour."""

import numpy as np
import scipy.special as sp

from .coverage import Tables, behaviour, complete

X, A, B, LEVEL, ONE = (np.array(v) for v in ([0.4, 1.7], [1.4, 3.2], [0.8, 2.1], [0.3, 0.7], [-0.7, 0.6]))
ABOVE, CHANCE, DEGREES, TAIL = (np.array(v) for v in ([1.3, 2.4], [0.4, 0.6], [31.0, 75.0], [-3.0, -0.2]))

_PROLATE, _OBLATE = float(sp.pro_cv(1, 2, 1)), float(sp.obl_cv(1, 2, 1))


def _at(names: str, *points, integers: tuple = ()) -> dict:
    """One entry a name: the ufunc with constant first arguments, at points."""
    return {name: (_part(getattr(sp, name), integers), *points) for name in names.split()}


def _part(ufunc, integers: tuple):
    def f(*at):
        out = ufunc(*integers, *at)
        parts = out if isinstance(out, tuple) else (out,)
        if any(np.iscomplexobj(part) for part in parts):
            parts = [p for part in parts for p in (np.real(part), np.imag(part))]
        return tuple(parts) if len(parts) > 1 else parts[0]
    return f


DIFFERENTIABLE = {
    **_at("cbrt cosdg cosm1 cotdg dawsn digamma erf erfc erfcx erfi exp10 exp2 expi expit expm1 exprel i0 i0e i1 "
          "i1e j0 j1 k0 k0e k1 k1e log1p log_expit log_ndtr loggamma ndtr psi rgamma sindg tandg wrightomega y0 y1 "
          "entr exp1 gamma gammaln ber berp bei beip ker kerp kei keip itstruve0 it2struve0 itmodstruve0 spence "
          "zetac kolmogorov", X),
    **_at("airy airye fresnel it2i0k0 it2j0y0 itairy iti0k0 itj0y0 kelvin modfresnelm modfresnelp shichi sici wofz", X),
    **_at("ellipe ellipk ellipkm1 erfcinv erfinv logit ndtri kolmogi", LEVEL), "ndtri_exp": (sp.ndtri_exp, TAIL),
    **_at("agm beta betaln binom boxcox boxcox1p inv_boxcox inv_boxcox1p kl_div poch powm1 rel_entr xlog1py xlogy "
          "elliprc chdtr chdtrc gammainc gammaincc owens_t pseudo_huber stdtr", A, B),
    "huber": (lambda r: sp.huber(0.9, r), X), "huber: width": (sp.huber, np.array([0.5, 1.0]), np.array([1.2, -3.0])),
    **_at("chdtri gammaincinv gammainccinv stdtrit", A, LEVEL), "chdtriv": (sp.chdtriv, LEVEL, B),
    "stdtridf": (sp.stdtridf, np.array([0.1, 0.9]), np.array([-2.0, 1.6])),
    **_at("ellipeinc ellipkinc ellipj", A, LEVEL), "tklmbda": (sp.tklmbda, 0.3 * ONE, A),
    **_at("elliprd elliprf elliprg", A, B, ABOVE), "elliprj": (sp.elliprj, A, B, ABOVE, X),
    **_at("betainc betaincc betaincinv betainccinv", A, B, LEVEL), "btdtria": (sp.btdtria, LEVEL, B, CHANCE),
    "btdtrib": (sp.btdtrib, A, LEVEL, CHANCE), **_at("fdtr fdtrc gdtr gdtrc", A, B, X),
    **_at("fdtri gdtrix", A, B, LEVEL), "fdtridfd": (sp.fdtridfd, A, 0.5 * LEVEL, X),
    "gdtria": (sp.gdtria, LEVEL, B, X), "gdtrib": (sp.gdtrib, A, LEVEL, X), "pdtrik": (sp.pdtrik, LEVEL, A + 3),
    "bdtrik": (sp.bdtrik, LEVEL, 9.0 + 0 * A, CHANCE), "bdtrin": (sp.bdtrin, 2.0 + 0 * A, LEVEL, CHANCE),
    "nbdtrik": (sp.nbdtrik, LEVEL, 3.0 + 0 * A, CHANCE), "nbdtrin": (sp.nbdtrin, 3.0 + 0 * A, LEVEL, CHANCE),
    "nrdtrimn": (sp.nrdtrimn, LEVEL, A, X), "nrdtrisd": (sp.nrdtrisd, X, LEVEL, np.array([-0.8, 2.5])),
    "radian": (sp.radian, A, B, X), "voigt_profile": (sp.voigt_profile, ONE, A, B), "zeta": (sp.zeta, A + 1, B),
    "zeta: Riemann": (sp.zeta, A + 1),
    **_at("jv jve yv yve iv ive kv kve struve modstruve hankel1 hankel1e hankel2 hankel2e jn yn kn expn hyp0f1 "
          "pbdv pbvv eval_chebyc eval_chebys eval_laguerre eval_hermite eval_hermitenorm pdtr pdtrc", X, integers=(2,)),
    "pbwa": (lambda x: sp.pbwa(2, x), X), **_at("eval_chebyt eval_chebyu eval_legendre", ONE, integers=(3,)),
    **_at("eval_sh_chebyt eval_sh_chebyu eval_sh_legendre pdtri smirnov smirnovi", LEVEL, integers=(4,)),
    **_at("eval_genlaguerre eval_gegenbauer hyp1f1 hyperu", X, integers=(3, 2)),
    "lpmv": (lambda x: sp.lpmv(1, 3, x), ONE), **_at("bdtr bdtrc bdtri nbdtr nbdtrc nbdtri", LEVEL, integers=(2, 5)),
    "hyp2f1": (lambda z: sp.hyp2f1(1, 2, 4, z), ONE), **_at("wright_bessel log_wright_bessel", X, integers=(1, 2)),
    "besselpoly": (lambda a: sp.besselpoly(a, 1, 2), X), "eval_jacobi": (lambda x: sp.eval_jacobi(3, 1, 2, x), ONE),
    "eval_sh_jacobi": (lambda x: sp.eval_sh_jacobi(3, 3, 2, x), LEVEL),
    **_at("mathieu_cem mathieu_sem", DEGREES, integers=(1, 2)),
    **_at("mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2", LEVEL, integers=(1, 2)),
    **_at("pro_ang1 obl_ang1", LEVEL, integers=(1, 2, 1)), **_at("pro_rad1 obl_rad1", ABOVE, integers=(1, 2, 1)),
    "pro_ang1_cv": (lambda x: sp.pro_ang1_cv(1, 2, 1, _PROLATE, x), LEVEL),
    "obl_ang1_cv": (lambda x: sp.obl_ang1_cv(1, 2, 1, _OBLATE, x), LEVEL),
    "pro_rad1_cv": (lambda x: sp.pro_rad1_cv(1, 2, 1, _PROLATE, x), ABOVE),
    "obl_rad1_cv": (lambda x: sp.obl_rad1_cv(1, 2, 1, _OBLATE, x), ABOVE),
    "chndtr": (lambda x, nc: sp.chndtr(x, 5, nc), A, B), "chndtrix": (lambda p, nc: sp.chndtrix(p, 5, nc), LEVEL, B),
    "chndtrinc": (lambda x, p: sp.chndtrinc(x, 5, p), A + 2, 0.5 * LEVEL),
    "ncfdtr": (lambda x: sp.ncfdtr(3, 5, 2, x), A), "ncfdtri": (lambda p: sp.ncfdtri(3, 5, 2, p), LEVEL)}

CONSTANT = {"gammasgn": (sp.gammasgn, np.array([-1.5, -0.5, 2.0])), "round": (sp.round, np.array([-1.3, 0.4, 2.6])),
            "pdtr: count": (lambda k: sp.pdtr(k, 2.0), np.array([0.4, 2.7]))}
_SOLVED = "autodiff.implicit_root"
REFUSED = {
    "mathieu_a": (lambda q: sp.mathieu_a(1, q), X, "constant"),
    "mathieu_b": (lambda q: sp.mathieu_b(1, q), X, "constant"),
    "obl_cv": (lambda c: sp.obl_cv(1, 2, c), X, "constant"), "pro_cv": (lambda c: sp.pro_cv(1, 2, c), X, "constant"),
    "nctdtr": (lambda t: sp.nctdtr(3, 1, t), X, "nct.pdf"),
    "nctdtrit": (lambda p: sp.nctdtrit(3, 1, p), LEVEL, "nct.pdf"),
    "nctdtridf": (lambda p: sp.nctdtridf(p, 1, 2), CHANCE, _SOLVED),
    "nctdtrinc": (lambda p: sp.nctdtrinc(3, p, 2), LEVEL, _SOLVED),
    "ncfdtridfd": (lambda p: sp.ncfdtridfd(3, p, 1, 2), CHANCE, _SOLVED),
    "ncfdtridfn": (lambda p: sp.ncfdtridfn(p, 3, 1, 2), CHANCE, _SOLVED),
    "ncfdtrinc": (lambda p: sp.ncfdtrinc(3, 5, p, 1), CHANCE, _SOLVED),
    "chndtridf": (lambda x: sp.chndtridf(x, 0.5, 1), A + 2, "constant"),
    "jv: order": (lambda v: sp.jv(v, 1.3), X, "constant"), "hyp1f1: a": (lambda a: sp.hyp1f1(a, 2, 0.3), X, "constant"),
    "expn: n": (lambda n: sp.expn(n, 0.3), np.array([2.0]), "constant"),
    "ellip_harm": (lambda s: sp.ellip_harm(5, 8, 1, 1, s), X, "constant"),
    "factorial2": (lambda n: sp.factorial2(n), X, "gamma"),
    "assoc_legendre_p": (lambda x: sp.assoc_legendre_p(2, 1, x), LEVEL, "lpmv"),
    **{name: (lambda x, name=name: getattr(sp, name)(1, 2, 1, x)[0], ABOVE, "custom_jvp") for name in (
        "pro_rad2", "obl_rad2")},
    **{name: (lambda x, name=name: getattr(sp, name)(1, 2, 1, 6.0, x)[0], ABOVE, "custom_jvp") for name in (
        "pro_rad2_cv", "obl_rad2_cv")},
    "riccati_jn": (lambda x: sp.riccati_jn(2, x[0])[0], X, "spherical_jn"),
    "diric: n": (lambda n: sp.diric(0.3, n[0]), X, "integer"), "factorial: exact": (
        lambda n: sp.factorial(n[0], exact=True), X, "exact=False")}
TABLES = Tables(DIFFERENTIABLE, CONSTANT, REFUSED, {})

test_complete = complete(sp, TABLES, ufuncs_only=True)
test_differentiable, test_constant, test_refused = behaviour(TABLES)
