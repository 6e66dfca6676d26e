"""Rows whose range over an interval is not known here, on purpose: the walker raises `NoRule` on them.

Complex values have no order; factors with signs or phases chosen by the library, and whole-number bookkeeping of
floats, are no functions of reals; for the special functions the library states no accuracy that a proof could rest on,
or they oscillate.
"""

COMPLEX = """imag eig eigvals fft rfft irfft roots complex_roots lambertw wofz hankel1 hankel1e hankel2 hankel2e
    sph_legendre_p modfresnelp modfresnelm faddeeva_real faddeeva_imag kelvin"""
FACTORS = """qr svd polar matrix_rank pinv lstsq solve_banded solve_sylvester solve_discrete_lyapunov matrix_function
    lu pivots qr_pivots scipy_eigh entries_solve"""
FLOATS = "spacing nextafter frexp_exponent ldexp gammasgn"
OPAQUE = "custom_jvp custom_vjp implicit_root implicit_solve"
BESSEL = """ive_rate kve_rate y0 y1 jv jve yv yve yn iv ive itj0y0 iti0k0 it2j0y0 it2i0k0 besselpoly struve modstruve
    itstruve0 it2struve0 itmodstruve0 spherical_jn spherical_yn spherical_in spherical_kn ber bei ker kei berp beip
    kerp keip airy airye itairy pbdv pbvv pbwa mathieu_cem mathieu_sem mathieu_modcem1 mathieu_modcem2 mathieu_modsem1
    mathieu_modsem2 pro_ang1 pro_rad1 obl_ang1 obl_rad1 pro_ang1_cv pro_rad1_cv obl_ang1_cv obl_rad1_cv"""
DISTRIBUTIONS = """gamma_density beta_density gammainc_shape betainc_shape gammainc gammaincc gammaincinv gammainccinv
    betainc betaincc betaincinv betainccinv btdtria btdtrib gdtr gdtrc gdtria gdtrib gdtrix chdtr chdtrc chdtri
    chdtriv pdtr pdtrc pdtri pdtrik fdtr fdtrc fdtri fdtridfd bdtr bdtrc bdtri bdtrik bdtrin nbdtr nbdtrc nbdtri
    nbdtrik nbdtrin student_density stdtr stdtrit stdtridf noncentral_density chndtr chndtrix chndtrinc chndtridf
    ncfdtr ncfdtri tklmbda kolmogorov kolmogi smirnov_rate smirnov smirnovi voigt_profile ndtri_exp owens_t nrdtrimn
    nrdtrisd"""
OTHERS = """tandg cotdg zeta_rate riemann_zeta zetac poch binom carlson elliprd elliprf elliprg elliprj elliprc
    ellipkinc ellipeinc ellipj agm fresnel expi sici shichi hyp0f1 hyp1f1 hyp2f1 hyperu wright_bessel
    log_wright_bessel eval_legendre eval_sh_legendre eval_chebyu eval_chebys eval_sh_chebyu eval_chebyt eval_chebyc
    eval_sh_chebyt eval_hermite eval_hermitenorm eval_laguerre eval_genlaguerre eval_gegenbauer eval_jacobi
    eval_sh_jacobi lpmv"""
UNKNOWN = frozenset(" ".join((COMPLEX, FACTORS, FLOATS, OPAQUE, BESSEL, DISTRIBUTIONS, OTHERS)).split())
