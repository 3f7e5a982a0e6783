//! The product tree of a document, by product id.
//!
//! A status speaks of a component in a product (`AppStream-9.5.0.Z.MAIN:redis-0:6.2.17-1.el9_5.x86_64`);
//! which component and which product that is, only the tree says.

use std::collections::HashMap;

use super::model::{Branch, Product, ProductTree};

pub(super) struct Products<'d> {
    products: HashMap<&'d str, &'d Product>,
    parts: HashMap<&'d str, (&'d str, &'d str)>,
}

/// A component of a product.
pub(super) struct Part<'d> {
    pub(super) component: &'d Product,
    pub(super) product: &'d Product,
}

impl<'d> Products<'d> {
    pub(super) fn of(tree: &'d ProductTree) -> Self {
        let mut products = HashMap::new();
        let mut todo: Vec<&Branch> = tree.branches.iter().flatten().collect();
        while let Some(branch) = todo.pop() {
            todo.extend(branch.branches.iter().flatten());
            if let Some(product) = &branch.product {
                products.extend(product.0.product_id.as_deref().map(|id| (id, &product.0)));
            }
        }
        for product in tree.full_product_names.iter().flatten() {
            products.extend(product.0.product_id.as_deref().map(|id| (id, &product.0)));
        }
        let parts = tree.relationships.iter().flatten().filter_map(|relation| {
            let whole = relation.full_product_name.0.product_id.as_deref()?;
            Some((whole, (relation.product_reference.as_deref()?, relation.relates_to_product_reference.as_deref()?)))
        });
        Self { products, parts: parts.collect() }
    }

    /// What a product id in a status stands for; None when it is no part of a product.
    pub(super) fn part(&self, id: &str) -> Option<Part<'d>> {
        let (component, product) = self.parts.get(id)?;
        Some(Part { component: self.products.get(component)?, product: self.products.get(product)? })
    }
}
