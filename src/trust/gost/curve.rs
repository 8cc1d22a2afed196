//! The two curves of ГОСТ signatures in Kazakhstan, by the numbers of RFC 4357 (11.4) and RFC 7836 (A.1).
//!
//! Both are y² = x³ − 3x + b over a prime p = 2^(64·N) − c with a small c; the number of their points, q, is prime.

use super::field::Element;
use super::jacobian::Table;
use super::limb::Limbs;
use std::fmt::Debug;
use std::sync::LazyLock;

/// The numbers of a curve whose field has elements of `N` limbs.
pub trait Curve<const N: usize>: Copy + Eq + Debug + Send + Sync + 'static {
    /// c of p = 2^(64·N) − c.
    const C: u64;
    /// b of the equation.
    const B: Limbs<N>;
    /// The base point.
    const G: (Limbs<N>, Limbs<N>);
    /// How many points there are.
    const Q: Limbs<N>;
    /// 2^(128·N) mod q.
    const R2: Limbs<N>;
    /// −1/q mod 2^64.
    const Q_INVERSE: u64;

    /// b·x.
    fn times_b(x: Element<Self, N>) -> Element<Self, N> {
        x * Element::new(Self::B)
    }

    /// Multiples of the base point, made when they are first needed.
    fn table() -> &'static Table<Self, N>;
}

/// CryptoPro-A (id-GostR3410-2001-CryptoPro-A-ParamSet, tc26-gost-3410-2012-256-paramSetB), of ГОСТ 34.310-2004.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptoProA;

/// tc26-gost-3410-12-512-paramSetA, of ГОСТ 34.10-2015-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tc26A;

impl Curve<4> for CryptoProA {
    const C: u64 = 617;
    const B: Limbs<4> = [166, 0, 0, 0];
    const G: (Limbs<4>, Limbs<4>) = (
        [1, 0, 0, 0],
        [0x22ac_c99c_9e9f_1e14, 0x3529_4f2d_df23_e3b1, 0x27df_505a_453f_2b76, 0x8d91_e471_e098_9cda],
    );
    const Q: Limbs<4> = [0x4584_1b09_b761_b893, 0x6c61_1070_995a_d100, u64::MAX, u64::MAX];
    const R2: Limbs<4> =
        [0x9ac2_d785_8e79_a469, 0xfb07_f822_2e76_dd52, 0xf748_85d0_8a37_14c6, 0x551f_e9cb_4511_79db];
    const Q_INVERSE: u64 = 0x9ee6_ea0b_57c7_da65;

    fn times_b(x: Element<Self, 4>) -> Element<Self, 4> {
        x.times(Self::B[0])
    }

    fn table() -> &'static Table<Self, 4> {
        static TABLE: LazyLock<Table<CryptoProA, 4>> = LazyLock::new(Table::new);
        &TABLE
    }
}

impl Curve<8> for Tc26A {
    const C: u64 = 569;
    const B: Limbs<8> = [
        0x5031_9078_5a71_c760,
        0x862e_f9d4_ebee_4761,
        0x4cb4_5740_10da_90dd,
        0xee3c_b090_f30d_2761,
        0x79bd_081c_fd0b_6265,
        0x34b8_2574_761c_b0e8,
        0xc1bd_0b2b_6667_f1da,
        0xe8c2_505d_edfc_86dd,
    ];
    const G: (Limbs<8>, Limbs<8>) = (
        [3, 0, 0, 0, 0, 0, 0, 0],
        [
            0x89a5_89cb_5215_f2a4,
            0x8028_fe5f_c235_f5b8,
            0x3d75_e6a5_0e3a_41e9,
            0xdf16_26be_4fd0_36e9,
            0x7780_64fd_cbef_a921,
            0xce5e_1c93_acf1_abc1,
            0xa61b_8816_e254_50e6,
            0x7503_cfe8_7a83_6ae3,
        ],
    );
    const Q: Limbs<8> = [
        0xcacd_b141_1f10_b275,
        0x9b4b_38ab_fad2_b85d,
        0x6ff2_2b8d_4e05_6060,
        0x27e6_9532_f48d_8911,
        u64::MAX,
        u64::MAX,
        u64::MAX,
        u64::MAX,
    ];
    const R2: Limbs<8> = [
        0x5467_75b9_2106_e979,
        0xb55c_d338_00ab_10e6,
        0x80b0_8b27_e9ce_bbc7,
        0xa06b_76a2_bae6_fc86,
        0xc743_3579_e382_956f,
        0xbab8_be5d_d7b1_651d,
        0xee02_8bf9_d8ed_3314,
        0xb66a_e6c0_0beb_d6c3,
    ];
    const Q_INVERSE: u64 = 0x02cc_c166_5d51_f223;

    fn table() -> &'static Table<Self, 8> {
        static TABLE: LazyLock<Table<Tc26A, 8>> = LazyLock::new(Table::new);
        &TABLE
    }
}
