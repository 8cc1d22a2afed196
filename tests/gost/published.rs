//! Examples of the RFCs.

use crate::reference::{Curve, hex};
use crate::vector::bytes;
use kdp::trust::gost::{PrivateKey, PublicKey, Scheme};
use num_bigint::BigUint;

/// RFC 5831, 7.3: the hash of ГОСТ 34.311-95 with its test S-box. The RFC prints digests from their last byte on.
#[test]
fn the_digests_of_rfc_5831_are_ours() {
    for (message, digest) in [
        (
            &b"This is message, length=32 bytes"[..],
            "FAFF37A615A816691CFF3EF8B68CA247E09525F39F8119832EB81975D366C4B1",
        ),
        (
            b"Suppose the original message has length = 50 bytes",
            "0852F5623B89DD57AEB4781FE54DF14EEAFBC1350613763A0D770AA657BA1A47",
        ),
    ] {
        assert_eq!(Scheme::Gost2004.digest(message), reversed(digest));
    }
}

/// RFC 6986, 10.1.1 and 10.2.1: Streebog of 512 bits. The RFC prints messages and digests from their last byte on.
#[test]
fn the_digests_of_rfc_6986_are_ours() {
    for (message, digest) in [
        (
            "3231303938373635343332313039383736353433323130393837363534333231\
             30393837363534333231303938373635343332313039383736353433323130",
            "486F64C1917879417FEF082B3381A4E211C324F074654C38823A7B76F830AD00\
             FA1FBAE42B1285C0352F227524BC9AB16254288DD6863DCCD5B9F54A1AD0541B",
        ),
        (
            "FBE2E5F0EEE3C820FBEAFAEBEF20FFFBF0E1E0F0F520E0ED20E8ECE0EBE5F0F2\
             F120FFF0EEEC20F120FAF2FEE5E2202CE8F6F3EDE220E8E6EEE1E8F0F2D1202C\
             E8F0F2E5E220E5D1",
            "28FBC9BADA033B1460642BDCDDB90C3FB3E56C497CCD0F62B8A2AD4935E85F03\
             7613966DE4EE00531AE60F3B5A47F8DAE06915D5F2F194996FCABF2622E6881E",
        ),
    ] {
        assert_eq!(Scheme::Gost2015.digest(&reversed(message)), reversed(digest));
    }
}

/// An example of RFC 7091, 7: hexadecimal numbers.
struct Example {
    /// p, a, b, q and the base point.
    curve: [&'static str; 6],
    d: &'static str,
    key: [&'static str; 2],
    e: &'static str,
    k: &'static str,
    r: &'static str,
    s: &'static str,
}

/// 7.1, of 256 bits.
const SHORT: Example = Example {
    curve: [
        "8000000000000000000000000000000000000000000000000000000000000431",
        "7",
        "5FBFF498AA938CE739B8E022FBAFEF40563F6E6A3472FC2A514C0CE9DAE23B7E",
        "8000000000000000000000000000000150FE8A1892976154C59CFC193ACCF5B3",
        "2",
        "08E2A8A0E65147D4BD6316030E16D19C85C97F0A9CA267122B96ABBCEA7E8FC8",
    ],
    d: "7A929ADE789BB9BE10ED359DD39A72C11B60961F49397EEE1D19CE9891EC3B28",
    key: [
        "7F2B49E270DB6D90D8595BEC458B50C58585BA1D4E9B788F6689DBD8E56FD80B",
        "26F1B489D6701DD185C8413A977B3CBBAF64D1C593D26627DFFB101A87FF77DA",
    ],
    e: "2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5",
    k: "77105C9B20BCD3122823C8CF6FCC7B956DE33814E95B7FE64FED924594DCEAB3",
    r: "41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493",
    s: "1456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40",
};

/// 7.2, of 512 bits.
const LONG: Example = Example {
    curve: [
        "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D\
         F1D852741AF4704A0458047E80E4546D35B8336FAC224DD81664BBF528BE6373",
        "7",
        "1CFF0806A31116DA29D8CFA54E57EB748BC5F377E49400FDD788B649ECA1AC43\
         61834013B2AD7322480A89CA58E0CF74BC9E540C2ADD6897FAD0A3084F302ADC",
        "4531ACD1FE0023C7550D267B6B2FEE80922B14B2FFB90F04D4EB7C09B5D2D15D\
         A82F2D7ECB1DBAC719905C5EECC423F1D86E25EDBE23C595D644AAF187E6E6DF",
        "24D19CC64572EE30F396BF6EBBFD7A6C5213B3B3D7057CC825F91093A68CD762\
         FD60611262CD838DC6B60AA7EEE804E28BC849977FAC33B4B530F1B120248A9A",
        "2BB312A43BD2CE6E0D020613C857ACDDCFBF061E91E5F2C3F32447C259F39B2C\
         83AB156D77F1496BF7EB3351E1EE4E43DC1A18B91B24640B6DBB92CB1ADD371E",
    ],
    d: "BA6048AADAE241BA40936D47756D7C93091A0E8514669700EE7508E508B10207\
        2E8123B2200A0563322DAD2827E2714A2636B7BFD18AADFC62967821FA18DD4",
    key: [
        "115DC5BC96760C7B48598D8AB9E740D4C4A85A65BE33C1815B5C320C854621DD\
         5A515856D13314AF69BC5B924C8B4DDFF75C45415C1D9DD9DD33612CD530EFE1",
        "37C7C90CD40B0F5621DC3AC1B751CFA0E2634FA0503B3D52639F5D7FB72AFD61\
         EA199441D943FFE7F0C70A2759A3CDB84C114E1F9339FDF27F35ECA93677BEEC",
    ],
    e: "3754F3CFACC9E0615C4F4A7C4D8DAB531B09B6F9C170C533A71D147035B0C591\
        7184EE536593F4414339976C647C5D5A407ADEDB1D560C4FC6777D2972075B8C",
    k: "359E7F4B1410FEACC570456C6801496946312120B39D019D455986E364F36588\
        6748ED7A44B3E794434006011842286212273A6D14CF70EA3AF71BB1AE679F1",
    r: "2F86FA60A081091A23DD795E1E3C689EE512A3C82EE0DCC2643C78EEA8FCACD3\
        5492558486B20F1C9EC197C90699850260C93BCBCD9C5C3317E19344E173AE36",
    s: "1081B394696FFE8E6585E7A9362D26B6325F56778AADBC081C0BFBE933D52FF5\
        823CE288E8C4F362526080DF7F70CE406A6EEB1F56919CB92A9853BDE73E5B4A",
};

/// On curves of their own, which ours are not: this shows that what ours is held against is the standard.
#[test]
fn the_signatures_of_rfc_7091_are_those_of_the_reference() {
    for example in [SHORT, LONG] {
        let curve = Curve::new(example.curve);
        assert!(curve.contains(&curve.base));
        assert_eq!(curve.times(&curve.q, &curve.base), None, "q·G");
        let [d, e, k, r, s] = [example.d, example.e, example.k, example.r, example.s].map(hex);
        let key = curve.times(&d, &curve.base);
        let [x, y] = example.key.map(hex);
        assert_eq!(key, Some((x, y)));
        assert_eq!(curve.sign(&d, &k, &e), Some((r.clone(), s.clone())));
        assert!(curve.verifies(&key, &e, &r, &s));
        assert!(!curve.verifies(&key, &(e + 1_u32), &r, &s));
    }
}

#[test]
fn the_curves_of_the_reference_have_a_prime_order_and_hold_their_base_points() {
    for curve in [Curve::crypto_pro_a(), Curve::tc26_a()] {
        assert!(curve.contains(&curve.base));
        assert_eq!(curve.times(&curve.q, &curve.base), None, "q·G");
        for number in [&curve.p, &curve.q] {
            // Fermat, to base 2.
            assert_eq!(BigUint::from(2_u32).modpow(&(number - 1_u32), number), BigUint::from(1_u32));
        }
    }
}

/// RFC 7836, appendix B: the keys of its example of VKO, on tc26-512-A. All numbers from their first byte on.
#[test]
fn the_keys_of_rfc_7836_are_ours() {
    for (d, x, y) in [
        (
            "c990ecd972fce84ec4db022778f50fcac726f46708384b8d458304962d7147f8\
             c2db41cef22c90b102f2968404f9b9be6d47c79692d81826b32b8daca43cb667",
            "aab0eda4abff21208d18799fb9a8556654ba783070eba10cb9abb253ec56dcf5\
             d3ccba6192e464e6e5bcb6dea137792f2431f6c897eb1b3c0cc14327b1adc0a7",
            "914613a3074e363aedb204d38d3563971bd8758e878c9db11403721b48002d38\
             461f92472d40ea92f9958c0ffa4c93756401b97f89fdbe0b5e46e4a4631cdb5a",
        ),
        (
            "48c859f7b6f11585887cc05ec6ef1390cfea739b1a18c0d4662293ef63b79e3b\
             8014070b44918590b4b996acfea4edfbbbcccc8c06edd8bf5bda92a51392d0db",
            "192fe183b9713a077253c72c8735de2ea42a3dbc66ea317838b65fa32523cd5e\
             fca974eda7c863f4954d1147f1f2b25c395fce1c129175e876d132e94ed5a651",
            "04883b414c9b592ec4dc84826f07d0b6d9006dda176ce48c391e3f97d102e03b\
             b598bf132a228a45f7201aba08fc524a2d77e43a362ab022ad4028f75bde3b79",
        ),
    ] {
        let key = PrivateKey::from_bytes(Scheme::Gost2015, &bytes(d)).unwrap();
        let public = [bytes(x), bytes(y)].concat();
        assert_eq!(key.public_key().to_bytes(), public);
        let signature = key.sign(b"RFC 7836").unwrap();
        let read = PublicKey::from_bytes(Scheme::Gost2015, &public).unwrap();
        assert_eq!(read.verify(b"RFC 7836", &signature), Ok(()));
    }
}

fn reversed(digits: &str) -> Vec<u8> {
    let mut bytes = bytes(digits);
    bytes.reverse();
    bytes
}
