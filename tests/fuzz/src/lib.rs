//! What the fuzz targets share: the world of the fixtures, the seeds, and mutations that know a format.

pub mod libxml2;
pub mod seed;
pub mod service;
pub mod signed;
pub mod splice;
pub mod tlv;
pub mod token;
pub mod world;
pub mod xml;
