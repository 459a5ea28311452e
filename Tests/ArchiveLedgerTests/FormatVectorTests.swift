import ArchiveLedger
import Foundation
import MailCore
import Testing

/// The ledger of `Documentation/FormatVectors.md`, written by `Fixtures/reader/mailarc_vectors.py`.
@Suite("The ledger another implementation wrote")
struct FormatVectorTests {
    static let metaKey = "eb2b6458c429435db1c0104e21f250197927b3b55dbee8e98c35c140b32f7b7b"
    static let archive = "000102030405060708090a0b0c0d0e0f"
    static let publicKey = "2663dfd60987598a827e3cb56afd1d473070417300242644f7b56c4f5cc428cb"
    static let tile = """
        38b113e1a9806cc59c95a7fa585dcd0e5676e933a53cc1b85fe8554e9b04bfbea29074f7920a2b901de7b55499cd511bdf59c350\
        e71b1a99baef4d9bf6eade0121614f881b95d316111e26267a6f8632ee760529ab0b1302b4e706a28f56769e9771105609fc2c7d\
        30f64165d9857add00795fb7665adce3dcd3ef83137176df964adf56cfd5253648f24e0593555978e9ac63485fa77c2013d03d7a\
        f6420018
        """
    static let bundle = """
        RTR935n7Lb7yoyQ8hmg5TS3iQm4WsZrMtOgoDU/2XXmRXLFZ6IQ/3uTkVPue8bhwz4iJ5icWFTen2zBTC3eFmb1uVxphWNVWAK5Gf5Z0\
        3GZo7wE29oCs8MxD0eby8W2AhSsC3274lL9EyB1pqi4WPNiZ/l0egw9heWb/lOs8t/sylx4dhweWJVhYWGdIsNuiMhM7aZfeR+JE05RT\
        lQoRMGc/2zT4pC9kyezBMLaE1/zPThC8A/yuIASnXlzs+Ns3CspH+io9+XU5JpZb5zc/Lf3c2P/99B9RBINGv+v6P691aX7C4SIqGM4f\
        XzWplMZd7UKJtJ/+qqTAJ1Vdrr1zsmUaienG630RowdB8SGMzHhuq265WI4lFvZQXioX5IOgEWPKPTwVDQow4PzNsXR3lvuLLcxXCT5K\
        HxBbtbP2nZ7iuPGU1oXI8DV1pDzQG7cX6XfZ+CwadmqyxHhyT2jAguLvCV9n4gvL/wfo44CSDrXzBV7t74vgESDlC4Ou8hzNWB1Ojpp+\
        7NdvZbqoJPqnpoJ4bdCX6Jk7Cx6Aw5Sut8sHzD1whmiguDC73uur+cJaKW6txIM0O44vY19pDy5u+N+WVZZQPlEZ762t7oY4+M5Dp8F2\
        ooCAErnTn/qQ45fttcaBqycIueYZZ/ksuXD+Eq4OWMBs/HdCy9cQezXj4v7a9e5LJe0hFnRpOvilKOCk6LtgvUQ2JMxkhzwb5feNkPry\
        sAfLo3RKutsKy/46uCECBIe5wx+P3n8rL/4odlSs7YAUsB1tij0ptNh6JuE8S4cLaMLoQplviXPX4bwLzJEcnhGxSUMiyOgEgUEcd+4T\
        eCidZ8nS+4gxFE/sn3AWvACdOSiOsAV8bdYocqd6ndYZSsSxqYAlAh0GP46aXKuioPCYjviDLBAZTX7qQDH6TmtbzPOuN7gf0XwhO4p1\
        OOgKKQlXNslgzPDmHQYzsQL0fq1NSJuwkaPXRBBa/8plMja1SCj5b685GsfEdN0xpJ6ZWBOXUUdNFnXA+S4fqvI5PrmUqigeNGELVlOd\
        cNklMxFU7VtNLQtjnS3uDCj9zCedXTpYj1yPjCgmV/9UUZetWcaqFjAs94ccDCY91rz0jUygd6H14XavQ+X50lxQI4ICc3czJRe5aT4h\
        +OnUjRK9UZ6QC57/bfDozshhaUxoVAEOHtFGwy0OmTA3Gewta84MB8j8exUyFl+JwWe4XM7/x5w6IdlZTcuvG4z8/X4VKBvRJN/P1HQC\
        nZRFwVcBI/OL0HE0+yHU9VxJ2x0qOcd1P+zqQVqeQN7Qf0H4sWm3qWAvDpaw4pksR0uD68M3GtUKzsNCVm1CC1s3S8spvZtr5ku+OFsq\
        5QPO6svod+JPDad6MNA8ZLMcVMbRRFEtLPIa0MrKrkW9nTPQqefLcKM2l//gaSwLQbYe3rRoN/HaD8NqV37sgiJQcATFElePIaJVPcS6\
        RVtpecc2kEwotHY6vo/2eOtSAWoiNpllv5nPDQ/m617hrnLRct72Xx/+6Y6TQnt3VNJxx/qI0DJXFXm2AoheNq8SBLdH77fCC3Tx+Jps\
        m+lmF7Lu78tO
        """
    static let checkpoint = """
        mailarc/000102030405060708090a0b0c0d0e0f
        5
        uNQQM4+9An2WbmEvnYx8Q1Cm8RLch6G4OoEEjSaV6zc=

        \u{2014} mailarc/000102030405060708090a0b0c0d0e0f \
        uH87X7k05fiiWHIhHcMBMIBSrHOkTB5wttpUc08XpQ8B/Ke0Knom77+pXfXKW49YYiWCWyDyCaJKAB+7CgMgzxzGUgE=

        """

    @Test("it opens, reads and checks, and the same leaves give the same tile and note")
    func readsAndRebuilds() throws {
        let test = try TestLedger()
        try test.write(try #require([UInt8](hex: Self.tile)), to: "tile/0/000.p/5")
        try test.write([UInt8](try #require(Data(base64Encoded: Self.bundle))), to: "entries/000.p/5")
        try test.write(Array(Self.checkpoint.utf8), to: "checkpoint")
        let publicKey = try #require([UInt8](hex: Self.publicKey))
        let archive = try #require(RandomID(hex: Self.archive))
        let key = BundleKey(key: try #require([UInt8](hex: Self.metaKey)), archive: archive, codec: nil)
        let origin = "mailarc/\(Self.archive)"
        let report = try Ledger.check(directory: test.log, origin: origin, publicKey: publicKey, bundleKey: key)
        #expect(report.findings == [])
        #expect(report.bundleCount == 1)
        let ledger = try Ledger.open(directory: test.log, origin: origin, publicKey: publicKey, bundleKey: key)
        #expect(ledger.size == 5)
        var reader = ledger.leaves()
        var types: [String] = []
        var frontier = MerkleFrontier()
        while let leaf = try reader.next() {
            types.append(try #require(Leaf(parsing: leaf.text)).body.type)
            frontier.append(.leaf(leaf.text))
        }
        #expect(types == ["init", "ingest", "events", "ingest", "pack"])
        #expect(frontier.root == ledger.root)
    }
}
