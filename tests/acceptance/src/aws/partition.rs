//! The partitions of AWS, as far as names show them.

/// The partition that a Region belongs to.
pub(super) fn partition_of(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("eusc") => "aws-eusc",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The Region whose STS a host name is, if it is a genuine one of this partition: regional, FIPS or
/// dual-stack. The global name is of `aws` alone, and its Region is `us-east-1`.
///
/// From the partitions' DNS suffixes in AWS's endpoint rules.
pub(super) fn sts_region<'a>(host: &'a str, partition: &str) -> Option<&'a str> {
    if host == "sts.amazonaws.com" && partition == "aws" {
        return Some("us-east-1");
    }
    let suffixes = match partition {
        "aws" | "aws-us-gov" => [".amazonaws.com", ".api.aws"],
        "aws-cn" => [".amazonaws.com.cn", ".api.amazonwebservices.com.cn"],
        "aws-eusc" => [".amazonaws.eu", ".api.amazonwebservices.eu"],
        _ => return None,
    };
    let rest = host
        .strip_prefix("sts.")
        .or_else(|| host.strip_prefix("sts-fips."))?;
    let region = suffixes
        .iter()
        .find_map(|suffix| rest.strip_suffix(suffix))?;
    (is_region(region) && partition_of(region) == partition).then_some(region)
}

/// Whether it has the form of a Region: words and a number, such as `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else {
        return false;
    };
    let word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.len() >= 2
        && words.iter().all(word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_sts_are_known_with_their_regions() {
        for (host, partition, region) in [
            ("sts.eu-west-1.amazonaws.com", "aws", "eu-west-1"),
            ("sts.amazonaws.com", "aws", "us-east-1"),
            ("sts-fips.us-east-2.amazonaws.com", "aws", "us-east-2"),
            ("sts.eu-west-1.api.aws", "aws", "eu-west-1"),
            (
                "sts.us-gov-west-1.amazonaws.com",
                "aws-us-gov",
                "us-gov-west-1",
            ),
            ("sts.cn-north-1.amazonaws.com.cn", "aws-cn", "cn-north-1"),
            (
                "sts.eusc-de-east-1.amazonaws.eu",
                "aws-eusc",
                "eusc-de-east-1",
            ),
        ] {
            assert_eq!(sts_region(host, partition), Some(region), "{host}");
        }
    }

    #[test]
    fn what_only_looks_like_sts_is_not() {
        for (host, partition) in [
            ("sts.amazonaws.com", "aws-us-gov"),
            ("sts.amazonaws.com", "aws-cn"),
            ("sts.us-gov-west-1.amazonaws.com", "aws"),
            ("sts.eu-west-1.amazonaws.com", "aws-us-gov"),
            ("sts.cn-north-1.amazonaws.com", "aws-cn"),
            ("sts.eu-west-1.amazonaws.com.evil.example", "aws"),
            ("evil.sts.eu-west-1.amazonaws.com", "aws"),
            ("sts.evil.example.amazonaws.com", "aws"),
            ("sts..amazonaws.com", "aws"),
            ("sts.eu-west-1.amazonaws.com:443", "aws"),
            ("vpce-0a1b.sts.eu-west-1.vpce.amazonaws.com", "aws"),
            ("127.0.0.1", "aws"),
        ] {
            assert_eq!(sts_region(host, partition), None, "{host} in {partition}");
        }
    }
}
